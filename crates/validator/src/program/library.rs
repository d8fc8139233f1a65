//! All programs of a library. A profile gets a number when it is first named, and is compiled when it is first needed; what
//! has been compiled is read without a lock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

use fhirpath::{model::Definitions, path::Program};
use serde::Deserialize;

use super::{Condition, Native, Profile, TypeUse, compile};
use crate::{Library, Snapshots};

/// `PROFILES_MAX`: profiles of one library that can be compiled.
pub const PROFILES_MAX: usize = PAGES * PAGE;
const PAGES: usize = 256;
const PAGE: usize = 64;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The number of a profile in its library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProfileId(u32);

#[derive(Debug, Default)]
struct Slot {
    url: OnceLock<Box<str>>,
    profile: OnceLock<Option<Profile>>,
}

/// The compiled profiles of a library.
pub struct Programs<'a> {
    library: &'a Library,
    model: Arc<Definitions>,
    pages: Box<[OnceLock<Box<[Slot]>>]>,
    numbers: RwLock<HashMap<Box<str>, ProfileId>>,
    snapshots: Mutex<Snapshots<'a>>,
    expressions: Mutex<HashMap<Box<str>, Condition>>,
    globals: OnceLock<Globals>,
}

/// By type of resource, the profiles that guides ask of all, with the guide.
pub(crate) type Globals = HashMap<Box<str>, Vec<(Box<str>, Box<str>)>>;

/// Of an `ImplementationGuide`, whose list of resources is long, what is asked of it.
#[derive(Deserialize)]
struct Guide {
    url: Option<Box<str>>,
    global: Option<Vec<Global>>,
}

#[derive(Deserialize)]
struct Global {
    #[serde(rename = "type")]
    of: Box<str>,
    profile: Box<str>,
}

impl<'a> Programs<'a> {
    /// Nothing is compiled before it is asked for.
    pub fn new(library: &'a Library) -> Self {
        Self {
            library,
            model: Arc::clone(library.definitions()),
            pages: (0..PAGES).map(|_| OnceLock::new()).collect(),
            numbers: RwLock::default(),
            snapshots: Mutex::new(Snapshots::of_rules(library)),
            expressions: Mutex::default(),
            globals: OnceLock::new(),
        }
    }

    /// The packages.
    pub fn library(&self) -> &'a Library {
        self.library
    }

    /// The types.
    pub fn model(&self) -> &Definitions {
        &self.model
    }

    /// The number of a canonical url, with or without a version.
    pub fn id(&self, canonical: &str) -> Option<ProfileId> {
        let canonical = canonical.split('#').next().unwrap_or_default();
        if let Some(id) = self.numbers.read().unwrap_or_else(PoisonError::into_inner).get(canonical) {
            return Some(*id);
        }
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = numbers.get(canonical) {
            return Some(*id);
        }
        // Urls of hostile instances are not kept.
        self.library.canonical_of_type(canonical, "StructureDefinition")?;
        let number = numbers.len();
        let page = self.pages.get(number / PAGE)?;
        let page = page.get_or_init(|| (0..PAGE).map(|_| Slot::default()).collect());
        page.get(number % PAGE)?.url.set(canonical.into()).ok()?;
        let id = ProfileId(u32::try_from(number).ok()?);
        numbers.insert(canonical.into(), id);
        Some(id)
    }

    /// The program of a number; `None`, where there is no snapshot to be had.
    pub fn get(&self, id: ProfileId) -> Option<&Profile> {
        let slot = self.pages.get(id.0 as usize / PAGE)?.get()?.get(id.0 as usize % PAGE)?;
        if let Some(profile) = slot.profile.get() {
            return profile.as_ref();
        }
        let compiled = compile::compile(self, slot.url.get()?);
        slot.profile.get_or_init(|| compiled).as_ref()
    }

    /// The program of a canonical url.
    pub fn profile(&self, canonical: &str) -> Option<&Profile> {
        self.get(self.id(canonical)?)
    }

    /// The program of one of FHIR's own types, by its name.
    pub fn of_type(&self, name: &str) -> Option<&Profile> {
        self.type_id(name).and_then(|id| self.get(id))
    }

    fn type_id(&self, name: &str) -> Option<ProfileId> {
        if name.contains(':') {
            return self.id(name);
        }
        let known = self.library.type_definition(name)?;
        match &known.head.url {
            Some(url) => self.id(url),
            None => self.id(&format!("{CORE}{name}")),
        }
    }

    /// The definition of a type that an element may have.
    pub(crate) fn definition(&self, of: &TypeUse) -> Option<&Profile> {
        let id = of.definition.get_or_init(|| self.type_id(&of.code));
        id.and_then(|id| self.get(id))
    }

    /// The one profile of a type that an element may have, if it is one and known.
    pub(crate) fn only_profile(&self, of: &TypeUse) -> Option<&Profile> {
        let [_] = &*of.profiles else { return None };
        let ids = of.profile_ids.get_or_init(|| of.profiles.iter().map(|url| self.id(url)).collect());
        ids.first().copied().flatten().and_then(|id| self.get(id))
    }

    /// `ImplementationGuide.global` of all guides.
    pub(crate) fn globals(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let mut globals = Globals::new();
            for guide in self.library.of_type("ImplementationGuide") {
                let Ok(Guide { url, global }) = serde_json::from_slice(&guide.json()) else { continue };
                for Global { of, profile } in global.unwrap_or_default() {
                    globals.entry(of).or_default().push((profile, url.clone().unwrap_or_default()));
                }
            }
            globals
        })
    }

    pub(super) fn with_snapshots<T>(&self, work: impl FnOnce(&mut Snapshots<'a>) -> T) -> T {
        work(&mut self.snapshots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An expression, compiled once for all that have it.
    pub(super) fn condition(&self, key: &str, expression: &str) -> Condition {
        if let Some(native) = Native::of(key, expression) {
            return Condition::Native(native);
        }
        let mut expressions = self.expressions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = expressions.get(expression) {
            return known.clone();
        }
        let condition = match Program::compile(compile::mended(key, expression), &*self.model) {
            Ok(program) => Condition::Program(Arc::new(program)),
            Err(fault) => Condition::Faulty(fault.to_string().into()),
        };
        expressions.insert(expression.into(), condition.clone());
        condition
    }
}
