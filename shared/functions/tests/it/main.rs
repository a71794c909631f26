//! The routes and settings against the templates.

#[cfg(test)]
mod routes;
