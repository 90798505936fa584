//! The compiled program, driven as a pipeline or a person drives it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

mod calendar;
mod check;
mod gate;
mod id_token;
mod link;
mod lists;
mod login;
mod pass;
mod pipelines;
mod policy;
mod reference;
mod second_words;
mod serve;
mod support;
mod verify;
