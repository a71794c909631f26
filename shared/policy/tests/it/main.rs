//! What holds for every decision, and for the policy file.

#[cfg(test)]
mod any;
#[cfg(test)]
mod cautious;
#[cfg(test)]
mod decide;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod file;
#[cfg(test)]
mod fixpoint;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod ordered;
#[cfg(test)]
mod promotion;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rejected;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod told;
#[cfg(test)]
mod total;
mod transitions;
