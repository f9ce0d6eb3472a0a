//! Users, passwords, devices and what rules them.

mod accounts;
mod devices;
mod names;
mod notices;
mod pairing;
mod passwords;
mod reach;
mod roles;
mod settings;
mod users;
