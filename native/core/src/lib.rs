//! Singer JSON lines to and from Arrow.
#![forbid(unsafe_code)]
