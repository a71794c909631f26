//! Compares the routes and settings with the templates.

#[cfg(test)]
mod routes;
