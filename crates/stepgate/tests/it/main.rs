//! The binary as its users meet it: a process, its command line, and HTTP.
//!
//! `cfg(test)` on each module tells clippy that what stands in it is test code.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod birth;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod main_job;
#[cfg(test)]
mod operating;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod support;
