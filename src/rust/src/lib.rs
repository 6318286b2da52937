//! Glue between R and the engine.
