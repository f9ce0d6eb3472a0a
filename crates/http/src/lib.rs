//! http

pub mod pages;
