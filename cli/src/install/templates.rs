//! The templates of the stacks.

use std::collections::BTreeMap;
use std::path::Path;

use super::plan::Planned;
use crate::Failure;

/// The templates of this version, by file name.
const BUILT_IN: [(&str, &str); 4] = [
    ("hub.yaml", include_str!("../../../infra/hub.yaml")),
    ("environment.yaml", include_str!("../../../infra/environment.yaml")),
    ("to-environment.yaml", include_str!("../../../infra/to-environment.yaml")),
    ("to-hub.yaml", include_str!("../../../infra/to-hub.yaml")),
];

/// The text of each template, by file name.
pub(crate) struct Templates(BTreeMap<&'static str, String>);

impl Templates {
    /// The templates of this version. Those that the folder has are taken from there.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self, Failure> {
        let mut all = BTreeMap::new();
        for (name, text) in BUILT_IN {
            let path = folder.map(|folder| folder.join(name)).filter(|path| path.is_file());
            let changed = path.map(|path| {
                std::fs::read_to_string(&path)
                    .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
            });
            all.insert(name, changed.transpose()?.unwrap_or_else(|| text.to_owned()));
        }
        Ok(Self(all))
    }

    /// The text of a template.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Checks that each template has the parameters that it is given.
    pub(crate) fn check(&self, steps: &[Vec<Planned>]) -> Result<(), Failure> {
        let mut unknown = Vec::new();
        for planned in steps.iter().flatten() {
            let known = parameters(self.text(planned.template));
            for (name, _) in planned.parameters.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
                unknown.push(format!(
                    "parameters.{name}: {} has no such parameter; it has {}",
                    planned.template,
                    known.join(", ")
                ));
            }
        }
        unknown.dedup();
        if unknown.is_empty() { Ok(()) } else { Err(Failure::Input(unknown.join("\n"))) }
    }
}

/// The names of a template's parameters: the keys directly under `Parameters:`.
fn parameters(template: &str) -> Vec<&str> {
    let section = template.lines().skip_while(|line| *line != "Parameters:").skip(1);
    let section = section.take_while(|line| line.is_empty() || line.starts_with(' '));
    let is_name =
        |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && !line.starts_with("  #");
    section.filter(is_name).map(|line| line.trim().trim_end_matches(':')).collect()
}
