//! What is written down of every change and every sign-on.
