//! What holds for every decision, and for the policy file.

#[cfg(test)]
mod any;
#[cfg(test)]
mod cautious;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod file;
#[cfg(test)]
mod promotion;
#[cfg(test)]
mod total;
