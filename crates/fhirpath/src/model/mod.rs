//! What is known of types: an engine over bare trees asks here for everything that only a definition can say.

mod definitions;

pub use definitions::{DefinitionFault, Definitions};

/// A type that a model knows: a data type, a resource, or the type of an element that has its own (`Patient.contact`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// What a definition says of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementType {
    /// Its type.
    pub type_id: TypeId,
    /// Whether its definition lets it repeat.
    pub repeats: bool,
}

/// The types of one FHIR version.
pub trait Model: Send + Sync {
    /// A type by its name: `Patient`, `code`, `Patient.contact`.
    fn type_named(&self, name: &str) -> Option<TypeId>;

    /// The name of a type.
    fn type_name(&self, id: TypeId) -> &str;

    /// The type that it specializes.
    fn base(&self, id: TypeId) -> Option<TypeId>;

    /// The element of a type, its own or inherited, as instances write it: of a choice with its type (`valueQuantity`).
    fn element(&self, of: TypeId, written: &str) -> Option<ElementType>;

    /// The types of a choice by the name that FHIRPath uses (`value`), with the name that instances write for each.
    fn choices(&self, of: TypeId, name: &str) -> Vec<(String, ElementType)>;

    /// Whether any type has a choice of this name (`value`, `onset`).
    fn is_choice(&self, name: &str) -> bool;

    /// Whether the type is abstract, so that an instance is of some other.
    fn is_abstract(&self, id: TypeId) -> bool;

    /// Whether a type is another or specializes it.
    fn conforms(&self, id: TypeId, to: TypeId) -> bool {
        let mut at = Some(id);
        for _ in 0..32 {
            match at {
                Some(id) if id == to => return true,
                Some(id) => at = self.base(id),
                None => return false,
            }
        }
        false
    }
}

/// Nothing is known: values have the types that JSON gives them.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoModel;

impl Model for NoModel {
    fn type_named(&self, _: &str) -> Option<TypeId> {
        None
    }
    fn type_name(&self, _: TypeId) -> &str {
        ""
    }
    fn base(&self, _: TypeId) -> Option<TypeId> {
        None
    }
    fn element(&self, _: TypeId, _: &str) -> Option<ElementType> {
        None
    }
    fn choices(&self, _: TypeId, _: &str) -> Vec<(String, ElementType)> {
        Vec::new()
    }
    fn is_choice(&self, _: &str) -> bool {
        false
    }
    fn is_abstract(&self, _: TypeId) -> bool {
        false
    }
}
