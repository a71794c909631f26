//! The local cloud: ministack, the launcher, the world, and the demo.
