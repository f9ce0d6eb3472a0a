//! One-time codes: their form, their life and how an attempt is judged.
