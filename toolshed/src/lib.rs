//! Programs that tests need, and that nobody has to install: fetched into the target directory, once. For the crates
//! that fetch them; a test asks one of those.
//!
//! [`once`] makes a folder complete or not at all, whoever else makes it at the same time, and whatever it was made of
//! before. [`said`] tells what a program complained of. [`cargo`] is there already.

mod cargo;
mod folder;
mod output;

pub use self::{
    cargo::cargo,
    folder::{Refused, once, target},
    output::said,
};
