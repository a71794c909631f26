//! The world as an HTTP server.

pub(crate) mod api_models;
pub(crate) mod authorization;
pub(crate) mod aws_api;
pub(crate) mod configuration_permissions;
pub(crate) mod control;
pub(crate) mod control_routes;
pub(crate) mod emulator;
pub(crate) mod permissions;
pub(crate) mod role_permissions;
pub(crate) mod server;
pub(crate) mod sink;
