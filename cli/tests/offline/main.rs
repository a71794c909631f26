//! The command without an account.

#[cfg(test)]
mod commands;
