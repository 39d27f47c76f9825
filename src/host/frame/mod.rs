// SPDX-License-Identifier: LGPL-2.1-or-later
//! What commands are made of, whatever they do: their rows in the table, arguments, calls
//! and failures. None of it knows a command.

pub mod args;
pub mod argument;
pub mod call;
pub mod command;
pub mod document;
pub mod failure;
pub mod given;
pub mod rules;
pub mod text;
pub mod words;
