//! A map by AWS names in any letter case: AWS is not consistent about it, even between its own events.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Values by name.
#[derive(Debug)]
pub(crate) struct ByName<V> {
    values: HashMap<String, V, FixedState>,
}

// A derived implementation would require `Default` of the values, too.
impl<V> Default for ByName<V> {
    fn default() -> Self {
        Self { values: HashMap::default() }
    }
}

impl<V> ByName<V> {
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.values.get(lower(name).as_ref())
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.values.get_mut(lower(name).as_ref())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn insert(&mut self, name: &str, value: V) {
        self.values.insert(lower(name).into_owned(), value);
    }

    /// All values with their names in lower case, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.values.remove(lower(name).as_ref());
    }

    /// The value of a name; inserts a default value if there is none.
    pub(crate) fn of(&mut self, name: &str) -> &mut V
    where
        V: Default,
    {
        self.values.entry(lower(name).into_owned()).or_default()
    }
}

/// Most names already are in lower case.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_any_case() {
        let mut values = ByName::default();
        values.insert("Churn", 1);
        *values.of("churn") += 1;
        assert_eq!((values.get("CHURN"), values.get("churns")), (Some(&2), None));
        values.remove("ChUrN");
        assert!(!values.contains("churn"));
    }
}
