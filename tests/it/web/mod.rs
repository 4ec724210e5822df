//! The pages: what they show, what they never do, and the gate before them.

mod api;
mod fleet;
mod gate;
mod history;
mod limits;
mod markup;
mod pages;
