//! One element of a document, as everything above the tape sees it.

use std::borrow::Cow;

use super::{Document, ESCAPED, Format, Name, Node, REPEATS, TYPED, text};

/// What an element holds itself; `id` and extensions of a primitive are its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A primitive without a value: only an id or extensions.
    Absent,
    /// Children.
    Object,
    /// A string, or anything from XML whose type nobody told.
    String,
    /// A number; its text is kept as it was written.
    Number,
    /// `true` or `false`.
    Boolean,
    /// JSON's `null` where nothing stands for it in `_name`.
    Null,
    /// The type of the resource. It is not an element of FHIR: [`Element::children`] passes over it.
    TypeName,
    /// `[]`, which FHIR forbids. It is no element either, but a validator has to find it.
    EmptyArray,
    /// The `div` of a narrative, read from XML: its text is its markup.
    Markup,
}

/// An element of a document.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) id: u32,
}

impl PartialEq for Element<'_> {
    /// The same place of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.id == other.id
    }
}
impl Eq for Element<'_> {}

impl std::fmt::Debug for Element<'_> {
    /// Where it stands, never what it says: an element may be somebody's diagnosis.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.path(), self.offset())
    }
}

impl<'d> Element<'d> {
    pub(super) fn node(&self) -> Node {
        self.document.node(self.id)
    }

    fn with(&self, id: u32) -> Self {
        Self { document: self.document, id }
    }

    /// The document it stands in.
    pub fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// Its place on the tape: unique in its document, and of a parent before its children where the text has no `_name` before `name`.
    pub fn index(&self) -> u32 {
        self.id
    }

    /// Its name as it is written, with the type of a choice (`valueQuantity`); a root has none in JSON.
    pub fn name(&self) -> &'d str {
        let node = self.node();
        // In XML the type is the name of an element, so this name stands nowhere.
        if node.kind == Kind::TypeName {
            "resourceType"
        } else {
            self.document.slice(node.name_start, u32::from(node.name_len))
        }
    }

    /// A number that is the same for all elements of one name: for tables of names.
    pub fn name_hash(&self) -> u32 {
        self.node().name_hash
    }

    /// Whether it is called so.
    pub fn is_named(&self, name: &Name) -> bool {
        self.document.is_called(&self.node(), name)
    }

    /// Visits its elements of one name; answers how many it passed. They stand together on the tape, so it stops behind them.
    pub(crate) fn visit_named<E>(
        &self,
        name: &Name,
        mut visit: impl FnMut(Element<'d>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (mut next, mut passed, mut found) = (self.node().first, 0, false);
        while next != 0 {
            let Some(node) = self.document.nodes.get(next as usize) else { break };
            passed += 1;
            if self.document.is_called(node, name) {
                found = true;
                if !matches!(node.kind, Kind::TypeName | Kind::EmptyArray) {
                    visit(self.with(next))?;
                }
            } else if found {
                break;
            }
            next = node.next;
        }
        Ok(passed)
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Whether it has a value of its own.
    pub fn has_value(&self) -> bool {
        matches!(self.kind(), Kind::String | Kind::Number | Kind::Boolean | Kind::Markup)
    }

    /// Whether it stands in a JSON array, or may repeat by its definition.
    pub fn repeats(&self) -> bool {
        self.node().has(REPEATS)
    }

    /// Its value's text, if it has one; numbers as they were written.
    pub fn text(&self) -> Option<Cow<'d, str>> {
        (self.has_value() || self.kind() == Kind::TypeName).then(|| self.unescaped())
    }

    /// Its value's text if that stands in the document without an escape.
    pub fn plain_text(&self) -> Option<&'d str> {
        let node = self.node();
        (self.has_value() && !node.has(ESCAPED))
            .then(|| self.document.slice(node.value_start, node.value_len))
    }

    fn unescaped(&self) -> Cow<'d, str> {
        let raw = self.raw();
        match self.document.format {
            _ if !self.node().has(ESCAPED) => Cow::Borrowed(raw),
            Format::Json => text::unescape_json(raw),
            Format::Xml => text::unescape_xml(raw).unwrap_or(Cow::Borrowed(raw)),
        }
    }

    /// What stands in the text for its value: without quotes, with escapes; of an object all of it, braces and all.
    pub fn raw(&self) -> &'d str {
        let node = self.node();
        self.document.slice(node.value_start, node.value_len)
    }

    /// The byte where its value begins.
    pub fn offset(&self) -> usize {
        self.node().value_start as usize
    }

    /// The byte where its name begins; of items of one array, that of their common name.
    pub fn name_offset(&self) -> usize {
        self.node().name_start as usize
    }

    /// The element it stands in.
    pub fn parent(&self) -> Option<Self> {
        (self.id != 0).then(|| self.with(self.node().parent))
    }

    /// Its elements, in order.
    pub fn children(&self) -> Children<'d> {
        Children { document: self.document, next: self.node().first, all: false }
    }

    /// Whether it stands in this document.
    pub(crate) fn is_of(&self, document: &Document<'_>) -> bool {
        std::ptr::from_ref(self.document).addr() == std::ptr::from_ref(document).addr()
    }

    /// What comes after it within `whole`, in the order of the document: its first child, or the next of the nearest that has one.
    pub(crate) fn next_within(&self, whole: Self) -> Option<Self> {
        let node = self.node();
        if node.first != 0 {
            return Some(self.with(node.first));
        }
        let mut at = *self;
        while at.id != whole.id {
            let node = at.node();
            if node.next != 0 {
                return Some(at.with(node.next));
            }
            at = at.parent()?;
        }
        None
    }

    /// Whether it is an element of FHIR at all: see [`Kind::TypeName`] and [`Kind::EmptyArray`].
    pub(crate) fn is_element(&self) -> bool {
        !matches!(self.kind(), Kind::TypeName | Kind::EmptyArray)
    }

    /// Its elements and what stands among them without being one: see [`Kind::TypeName`] and [`Kind::EmptyArray`].
    pub fn members(&self) -> Children<'d> {
        Children { document: self.document, next: self.node().first, all: true }
    }

    /// Its elements of one name.
    pub fn named<'n>(&self, name: &'n Name) -> impl Iterator<Item = Element<'d>> + use<'d, 'n> {
        self.children().filter(move |child| child.is_named(name))
    }

    /// Its first element of one name.
    pub fn child(&self, name: &str) -> Option<Element<'d>> {
        let hash = super::name::hash(name.as_bytes());
        self.children().find(|child| child.node().name_hash == hash && child.name() == name)
    }

    pub(crate) fn says_type(&self) -> bool {
        self.node().has(TYPED)
    }

    /// The type of the resource, if it is one that says it.
    pub fn resource_type(&self) -> Option<Cow<'d, str>> {
        if !self.says_type() {
            return None;
        }
        self.members().find(|member| member.kind() == Kind::TypeName).map(|member| member.unescaped())
    }

    /// The innermost resource that it is or stands in; the root, if nothing says a type.
    pub fn resource(&self) -> Self {
        let mut at = *self;
        while !at.says_type() {
            let Some(parent) = at.parent() else { break };
            at = parent;
        }
        at
    }

    /// Where it stands, in FHIRPath: `Patient.name[0].given[1]`.
    pub fn path(&self) -> String {
        let Some(parent) = self.parent() else {
            return self.resource_type().map_or_else(|| "$this".to_owned(), Cow::into_owned);
        };
        let mut path = parent.path();
        path.push('.');
        path.push_str(self.name());
        if self.repeats() {
            let before = parent.children().take_while(|child| child.id != self.id);
            let index = before.filter(|child| child.name() == self.name()).count();
            path.push_str(&format!("[{index}]"));
        }
        path
    }
}

/// The elements of an element.
#[derive(Clone)]
pub struct Children<'d> {
    document: &'d Document<'d>,
    next: u32,
    all: bool,
}

impl<'d> Iterator for Children<'d> {
    type Item = Element<'d>;
    fn next(&mut self) -> Option<Element<'d>> {
        while self.next != 0 {
            let element = Element { document: self.document, id: self.next };
            let node = element.node();
            self.next = node.next;
            if self.all || !matches!(node.kind, Kind::TypeName | Kind::EmptyArray) {
                return Some(element);
            }
        }
        None
    }
}
