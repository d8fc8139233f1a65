//! What HL7's validator found in the same files against the same packages, terminology off: facts of our own run of it, written by
//! `cargo bench -p validator --bench peer -- outcomes`. A file's name, then a line for each error: severity, message id, line, column,
//! expression.

use std::collections::HashMap;

/// Beginnings of the message ids of errors about codes: HL7's validator asks a server about them, and here neither has one. Those of
/// code systems that are here have no id.
const OF_CODES: [&str; 8] = [
    "Terminology",
    "UNKNOWN_CODE",
    "NO_VALID_DISPLAY",
    "Display_Name",
    "UNABLE_TO_INFER",
    "Unknown_Code",
    "None_of_the_provided_codes",
    "CODESYSTEM",
];

/// An error of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message_id: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) expression: String,
}

impl Fault {
    pub(crate) fn is_of_codes(&self) -> bool {
        OF_CODES.iter().any(|start| self.message_id.starts_with(start))
    }
}

/// What was found in each file.
pub(crate) fn faults(text: &str) -> HashMap<&str, Vec<Fault>> {
    let mut files: HashMap<&str, Vec<Fault>> = HashMap::new();
    let mut file = "";
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            [name] => {
                file = name;
                files.entry(name).or_default();
            }
            ["", _, message_id, line, column, expression] => {
                let number = |text: &str| text.parse().unwrap_or_default();
                files.get_mut(file).unwrap().push(Fault {
                    message_id: message_id.to_owned(),
                    line: number(line),
                    column: number(column),
                    expression: expression.to_owned(),
                });
            }
            _ => panic!("{line}"),
        }
    }
    files
}
