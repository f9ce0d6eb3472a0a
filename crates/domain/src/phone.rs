//! Telephone numbers: the spellings accepted, the one stored, the country, the mask.
