//! The evaluator loop.
