//! Bindings to value sets. <https://hl7.org/fhir/R4/terminologies.html#strength>

/// How much a binding asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// An illustration.
    Example,
    /// Encouraged.
    Preferred,
    /// Required where the value set has a fitting code.
    Extensible,
    /// Required.
    Required,
}

/// `ElementDefinition.binding`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// How much it asks.
    pub strength: Strength,
    /// The canonical url of the value set, with its version if one is said.
    pub value_set: Box<str>,
    /// The value set that no code may leave, whatever the strength: extension `elementdefinition-maxValueSet`.
    pub max_value_set: Option<Box<str>>,
    /// What the definition says of it.
    pub description: Option<Box<str>>,
}
