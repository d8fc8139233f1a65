//! One element against all that is said of it, and its children, in one pass.

use fhirpath::document::{Element, Format, Kind};

use super::{Coded, MustSupport, Run, findings::Place, messages, run::Active, slice::Undecided};
use crate::{
    Severity::{Error, Information, Warning},
    program::{Profile, Rule, Slicing, SlicingRules, TypeUse},
};

impl<'a, 'd> Run<'a, 'd> {
    /// Checks an element of a type against the rules from `base` on.
    pub(super) fn check_element(&mut self, element: Element<'d>, base: usize, code: &'d str) {
        let end = self.actives.len();
        if !self.spend(1 + end - base) {
            return;
        }
        let is_primitive = is_primitive(code);
        if is_primitive && element.has_value() {
            self.check_primitive(element, code);
        }
        for at in base..end {
            let Some(active) = self.active(at) else { break };
            self.check_rule(element, active, code);
        }
        if let Some(coded) = coded(code) {
            self.check_codes(element, base, end, coded);
        }
        self.check_type(element, code);
        if code != "xhtml" {
            self.check_children(element, base, end, code);
        }
        self.check_invariants(element, base, end);
    }

    /// What a rule says of the element itself.
    fn check_rule(&mut self, element: Element<'d>, active: Active<'d>, code: &'d str) {
        let Active { profile, rule } = active;
        if let Some(expected) = &rule.value {
            let asker = format!("{}#{}", profile.shown, rule.id);
            self.check_value(element, expected, &asker);
        }
        if let Some(max) = rule.max_length
            && let Some(text) = element.text()
        {
            let count = text.chars().count();
            if count as u64 > max {
                let arguments = [&*count.to_string(), &*max.to_string(), &profile.shown];
                self.tell(element, Error, &messages::MAX_LENGTH, &arguments);
            }
        }
        if let Some(controls) = &rule.controls {
            self.check_controls(element, profile, controls);
        }
        if rule.min_value.is_some() || rule.max_value.is_some() {
            self.check_range(element, rule, code);
        }
    }

    /// Codes, against the value sets of all bindings; against their systems alone, where no rule has a binding.
    fn check_codes(&mut self, element: Element<'d>, base: usize, end: usize, coded: Coded) {
        let mut bound = false;
        let mut in_concept = false;
        for at in base..end {
            let Some(Active { profile, rule }) = self.active(at) else { break };
            in_concept |= coded == Coded::Coding && &*rule.name == "coding";
            if let Some(binding) = &rule.binding {
                bound = true;
                self.findings.set_profile(Some(profile.shown.clone()));
                self.terminology.check(element, coded, Some(binding), &mut self.findings);
                self.findings.set_profile(None);
            }
        }
        if !bound && !in_concept && coded != Coded::Code {
            self.terminology.check(element, coded, None, &mut self.findings);
        }
    }

    /// What all elements of a type are asked, whatever profile they are looked at with.
    fn check_type(&mut self, element: Element<'d>, code: &str) {
        match code {
            "Extension" => self.check_extension(element),
            "Reference" => self.check_reference_form(element),
            "Attachment" => self.check_attachment(element),
            "xhtml" => self.check_narrative(element),
            _ => {}
        }
    }

    /// Finds the rules of every child, counts, and checks the children.
    fn check_children(&mut self, element: Element<'d>, base: usize, end: usize, code: &'d str) {
        let counts_base = self.counts.len();
        for at in base..end {
            let count = self.active(at).map_or(0, |active| active.rule.children.len());
            self.counts.resize(self.counts.len() + count, 0);
        }
        let mut members = element.members().peekable();
        while let Some(first) = members.next() {
            match first.kind() {
                Kind::TypeName => continue,
                Kind::EmptyArray => {
                    self.tell_at(first, Place::Name, Error, &messages::EMPTY_ARRAY, &[first.name()]);
                    continue;
                }
                _ => {}
            }
            self.check_group(element, first, &mut members, (base, end, counts_base), code);
        }
        if element.kind() == Kind::Object && element.members().next().is_none() {
            self.tell(element, Error, &messages::EMPTY_OBJECT, &[]);
        }
        if self.document.format() == Format::Xml {
            self.check_order(element, base, end);
        }
        self.check_counts(element, base, end, counts_base);
        self.counts.truncate(counts_base);
    }

    /// Siblings of one name.
    fn check_group(
        &mut self,
        parent: Element<'d>,
        first: Element<'d>,
        members: &mut std::iter::Peekable<fhirpath::document::Children<'d>>,
        (base, end, counts_base): (usize, usize, usize),
        parent_code: &'d str,
    ) {
        let known = self.shape_of(first, base, end);
        let Some((shape, of)) = known else {
            self.unknown(first, base, end, parent_code);
            while members
                .next_if(|next| next.name_hash() == first.name_hash() && next.name() == first.name())
                .is_some()
            {}
            return;
        };
        self.check_shape(first, shape, of);
        let mut group = Group::default();
        self.check_child(parent, first, (base, end, counts_base), of, &mut group);
        while let Some(next) =
            members.next_if(|next| next.name_hash() == first.name_hash() && next.name() == first.name())
        {
            if next.kind() != Kind::EmptyArray {
                self.check_child(parent, next, (base, end, counts_base), of, &mut group);
            }
        }
    }

    /// The first rule that knows a child, with the type that the child's name says.
    fn shape_of(
        &self,
        child: Element<'d>,
        base: usize,
        end: usize,
    ) -> Option<(&'d Rule, Option<&'d TypeUse>)> {
        (base..end).rev().filter_map(|at| self.active(at)).find_map(|active| {
            let (ordinal, of_type) = active.rule.names.find(child)?;
            let rule = child_rule(active, ordinal)?;
            let rule = match rule.content.and_then(|content| active.profile.rule(content)) {
                Some(_) => rule,
                None => rule,
            };
            Some((rule, rule.types.get(of_type)))
        })
    }

    fn unknown(&mut self, child: Element<'d>, base: usize, end: usize, code: &str) {
        // Within a type that is not known here, nothing is.
        if (base..end).filter_map(|at| self.active(at)).all(|active| active.rule.children.is_empty())
            && base == end
        {
            return;
        }
        let is_json = self.document.format() == Format::Json;
        let message = if is_json { &messages::UNKNOWN_ELEMENT } else { &messages::UNKNOWN_ELEMENT_XML };
        let place = if is_json { Place::JsonParent } else { Place::XmlParent };
        self.tell_at(child, place, Error, message, &[child.name(), code]);
    }

    /// Arrays where an element may repeat, objects where a type has elements.
    fn check_shape(&mut self, first: Element<'d>, rule: &'d Rule, of: Option<&'d TypeUse>) {
        if self.document.format() == Format::Json && first.repeats() != rule.repeats {
            let message = if rule.repeats { &messages::NOT_AN_ARRAY } else { &messages::AN_ARRAY };
            self.tell_at(first, Place::JsonName, Error, message, &[first.name()]);
        }
        let code = of.map_or("BackboneElement", |of| &*of.code);
        let _ = code;
    }

    /// `false` where the child is not what its type says, so that nothing more can be asked of it.
    fn has_form(&mut self, child: Element<'d>, code: &str) -> bool {
        let primitive = is_primitive(code);
        match child.kind() {
            Kind::Null => {
                self.tell_at(child, Place::JsonElement, Error, &messages::A_NULL, &[child.name()]);
                false
            }
            Kind::Object if primitive && code != "xhtml" => {
                self.tell_at(child, Place::JsonElement, Error, &messages::NOT_SIMPLE, &[child.name(), code]);
                false
            }
            Kind::String | Kind::Number | Kind::Boolean if !primitive => {
                self.tell(child, Error, &messages::NOT_AN_OBJECT, &[child.name(), code]);
                false
            }
            _ => true,
        }
    }

    fn check_child(
        &mut self,
        parent: Element<'d>,
        child: Element<'d>,
        (base, end, counts_base): (usize, usize, usize),
        shape: Option<&'d TypeUse>,
        group: &mut Group,
    ) {
        let child_base = self.actives.len();
        let code = shape.map_or("BackboneElement", |of| &*of.code);
        if !self.has_form(child, code) {
            return;
        }
        let mut uses: Vec<&'d TypeUse> = Vec::new();
        let mut kinds: Vec<&'d [TypeUse]> = Vec::new();
        let mut offset = counts_base;
        for at in base..end {
            let Some(active) = self.active(at) else { break };
            let here = offset;
            offset += active.rule.children.len();
            let Some((ordinal, _)) = active.rule.names.find(child) else {
                self.not_allowed(child, active, code, here);
                continue;
            };
            self.count(here + ordinal);
            let Some(unsliced) = child_rule(active, ordinal) else { continue };
            let rule = if unsliced.slices.is_empty() {
                unsliced
            } else {
                self.sliced(child, active, unsliced, here, group).unwrap_or(unsliced)
            };
            self.push_new(child_base, Active { profile: active.profile, rule });
            if let Some(content) = rule.content.and_then(|content| active.profile.rule(content)) {
                self.push_new(child_base, Active { profile: active.profile, rule: content });
            }
            if let Some(of) = rule.types.iter().find(|of| *of.code == *code) {
                uses.push(of);
                kinds.push(&rule.types);
            } else if matches!(code, "Resource" | "DomainResource") {
                kinds.push(&rule.types);
            } else if !rule.types.is_empty() && !unsliced.types.is_empty() && rule.content.is_none() {
                let allowed: Vec<&str> = rule.types.iter().map(|of| &*of.code).collect();
                let arguments = [&*active.profile.shown, &*allowed.join(", "), code];
                self.wrong_choice(child, Place::Element, &arguments);
            }
        }
        let _ = parent;
        self.check_with_types(child, child_base, code, &uses, &kinds);
        self.actives.truncate(child_base);
    }

    /// A choice that the base knows and this profile does not allow.
    fn not_allowed(&mut self, child: Element<'d>, active: Active<'d>, code: &str, offset: usize) {
        let is_it = |rule: &'d Rule| {
            let rest = child.name().strip_prefix(&*rule.name);
            rule.is_choice
                && rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
        };
        let mut children =
            (0..active.rule.children.len()).filter_map(|at| Some((at, child_rule(active, at)?)));
        let Some((ordinal, rule)) = children.find(|(_, rule)| is_it(rule)) else { return };
        self.count(offset + ordinal);
        let allowed: Vec<&str> = rule.types.iter().map(|of| &*of.code).collect();
        match allowed.as_slice() {
            [only] => {
                let arguments = [&*active.profile.shown, only, code];
                self.wrong_choice(child, Place::AtParent, &arguments);
            }
            _ => {
                let arguments = [child.name(), &*allowed.join(", "), &*active.profile.shown];
                self.tell_at(child, Place::Parent, Error, &messages::NOT_IN_PROFILE, &arguments);
            }
        }
    }

    /// That a profile does not allow this type; of an extension's value, told at the extension.
    fn wrong_choice(&mut self, child: Element<'d>, place: Place, arguments: &[&str]) {
        match child.parent().filter(|parent| matches!(parent.name(), "extension" | "modifierExtension")) {
            Some(extension) => self.tell(extension, Error, &messages::EXTENSION_TYPE, arguments),
            None => self.tell_at(child, place, Error, &messages::WRONG_CHOICE, arguments),
        }
    }

    fn count(&mut self, at: usize) {
        if let Some(count) = self.counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
    }

    /// With the rules of the types that the child may have.
    fn check_with_types(
        &mut self,
        child: Element<'d>,
        base: usize,
        code: &'d str,
        uses: &[&'d TypeUse],
        kinds: &[&'d [TypeUse]],
    ) {
        let is_resource = matches!(code, "Resource" | "DomainResource")
            || (child.resource_type().is_some()
                && code.starts_with(|first: char| first.is_ascii_uppercase()));
        if is_resource {
            self.check_inner_resource(child, kinds, base);
            return;
        }
        let mut profiled = false;
        let mut choices: Vec<&'d [Box<str>]> = Vec::new();
        for of in uses {
            match &*of.profiles {
                [] => {}
                [url] => match self.programs.only_profile(of) {
                    Some(profile) => {
                        profiled = true;
                        if let Some(rule) = profile.root() {
                            self.push_new(base, Active { profile, rule });
                        }
                    }
                    None if code != "Extension" => self.unknown_profile(child, url),
                    None => {}
                },
                urls => choices.push(urls),
            }
        }
        if !profiled && let Some(definition) = self.type_of(child, base, code, uses) {
            self.push_new(base, definition);
        }
        for urls in choices {
            self.check_any(child, urls);
        }
        if code == "Reference" {
            self.check_reference(child, uses);
        }
        if code == "Extension" {
            self.extension_profile(child, base);
        }
        self.check_element(child, base, code);
    }

    /// The definition of the child's type, unless its element has all its children itself.
    fn type_of(
        &self,
        child: Element<'d>,
        base: usize,
        code: &str,
        uses: &[&'d TypeUse],
    ) -> Option<Active<'d>> {
        let has_own = || self.actives.iter().skip(base).any(|active| !active.rule.children.is_empty());
        if matches!(code, "BackboneElement" | "Element") && has_own() {
            return None;
        }
        // A primitive that is but a value has nothing to ask of its type.
        if is_primitive(code) && child.children().next().is_none() {
            return None;
        }
        let profile: &'d Profile = match uses.first() {
            Some(of) => self.programs.definition(of)?,
            None => self.programs.of_type(code)?,
        };
        Some(Active { profile, rule: profile.root()? })
    }

    /// One of several profiles has to fit.
    pub(super) fn check_any(&mut self, child: Element<'d>, urls: &'d [Box<str>]) {
        let programs = self.programs;
        let mut good = 0;
        for profile in urls.iter().filter_map(|url| programs.profile(url)) {
            good += usize::from(self.conforms(child, profile));
        }
        if good == 0 {
            self.tell(child, Error, &messages::NO_PROFILE_OF, &[&urls.join(", ")]);
        }
    }

    fn check_counts(&mut self, element: Element<'d>, base: usize, end: usize, counts_base: usize) {
        let mut offset = counts_base;
        for at in base..end {
            let Some(active) = self.active(at) else { break };
            for number in &active.rule.children {
                let count = self.counts.get(offset).copied().unwrap_or(0);
                offset += 1;
                let Some(rule) = active.profile.rule(*number) else { continue };
                if rule.is_must_support && self.must_support == MustSupport::Reported {
                    self.tell_must_support(element, active, rule, count);
                }
                if count >= rule.min && rule.max.is_none_or(|max| count <= max) {
                    continue;
                }
                self.wrong_count(element, active, rule, count);
            }
        }
    }

    /// Of what is only tried nothing is told.
    fn tell_must_support(&mut self, element: Element<'d>, active: Active<'d>, rule: &'d Rule, count: u32) {
        if self.trials > 0 {
            return;
        }
        let shown = &active.profile.shown;
        match count {
            0 => self.tell(element, Information, &messages::MUST_SUPPORT_ABSENT, &[&rule.id, shown]),
            _ => {
                let arguments = [&*rule.id, &*count.to_string(), shown];
                self.tell(element, Information, &messages::MUST_SUPPORT_PRESENT, &arguments);
            }
        }
    }

    fn wrong_count(&mut self, element: Element<'d>, active: Active<'d>, rule: &'d Rule, count: u32) {
        let found = count.to_string();
        if rule.is_choice && rule.max == Some(1) && count > 1 && self.document.format() == Format::Json {
            // A reader of JSON knows one type of a choice, and the others are names that it does not know.
            let arguments = [&*rule.name, &*found];
            return self.tell_at(element, Place::JsonElement, Error, &messages::TWO_CHOICES, &arguments);
        }
        let (message, wanted) = match rule.max {
            _ if count < rule.min && rule.slice.is_some() => (&messages::SLICE_TOO_FEW, rule.min),
            _ if count < rule.min => (&messages::TOO_FEW, rule.min),
            Some(max) => (&messages::TOO_MANY, max),
            None => return,
        };
        // Of what the caller asks of an entry HL7's validator does not repeat which resource it is.
        let url = |canonical: &str| canonical.split('|').next() == Some(&*active.profile.url);
        let is_of_entry = self.entries.iter().any(|entry| url(&entry.profile));
        let place = if is_of_entry { Place::Bare } else { Place::Element };
        let arguments = [&*rule.id, &*wanted.to_string(), &*found, &active.profile.shown];
        self.tell_at(element, place, Error, message, &arguments);
    }

    /// In XML elements stand in the order of their definition.
    fn check_order(&mut self, element: Element<'d>, base: usize, end: usize) {
        let Some(active) = (base..end)
            .rev()
            .filter_map(|at| self.active(at))
            .find(|active| !active.rule.children.is_empty())
        else {
            return;
        };
        let (mut last, mut last_offset) = (0, 0);
        for child in element.children() {
            let Some((ordinal, _)) = active.rule.names.find(child) else { continue };
            // `id` and `url` are attributes, which have no order.
            if child_rule(active, ordinal).is_some_and(|rule| {
                rule.is_attribute || &*rule.name == "id" && element.resource_type().is_none()
            }) {
                continue;
            }
            if ordinal < last || child.name_offset() < last_offset {
                self.tell(child, Error, &messages::OUT_OF_ORDER, &[child.name()]);
                return;
            }
            last = ordinal;
            last_offset = child.name_offset();
        }
    }

    /// Which slice a child is in; counts it there.
    fn sliced(
        &mut self,
        child: Element<'d>,
        active: Active<'d>,
        unsliced: &'d Rule,
        offset: usize,
        group: &mut Group,
    ) -> Option<&'d Rule> {
        let slicing = unsliced.slicing.as_ref()?;
        let mut matched: Vec<(usize, &'d Rule)> = Vec::new();
        for ordinal in &unsliced.slices {
            let Some(slice) = child_rule(active, usize::from(*ordinal)) else { continue };
            let outer_exists = |outer: &str| {
                unsliced
                    .slices
                    .iter()
                    .filter_map(|at| child_rule(active, usize::from(*at)))
                    .any(|rule| rule.slice.as_deref() == Some(outer))
            };
            let in_outer =
                slice.slice.as_deref().and_then(|name| name.rsplit_once('/')).is_none_or(|(outer, _)| {
                    !outer_exists(outer)
                        || matched.iter().any(|(_, rule)| rule.slice.as_deref() == Some(outer))
                });
            // Slices of slices only among the elements of these; by what those are sliced with.
            let discriminators = if slice.slice.as_deref().is_some_and(|name| name.contains('/')) {
                matched.last().and_then(|(_, outer)| outer.slicing.as_ref()).unwrap_or(slicing)
            } else {
                slicing
            };
            if slice.slice.as_deref() == Some("@default") || !in_outer {
                continue;
            }
            match self.is_in_slice(child, active.profile, unsliced, discriminators, slice) {
                Ok(true) => matched.push((usize::from(*ordinal), slice)),
                Ok(false) => {}
                Err(why) => {
                    let (severity, why) = match why {
                        Undecided::Profile(why) => (Error, why),
                        Undecided::Codes(why) => (Warning, why),
                    };
                    self.tell(child, severity, &messages::SLICE_UNDECIDED, &[&slice.id, &why]);
                    // Whether it is there often enough is not known either.
                    if let Some(count) = self.counts.get_mut(offset + usize::from(*ordinal)) {
                        *count = (*count).max(slice.min);
                    }
                }
            }
        }
        let outermost: Vec<&(usize, &'d Rule)> = matched
            .iter()
            .filter(|(_, rule)| rule.slice.as_deref().is_some_and(|name| !name.contains('/')))
            .collect();
        if outermost.len() > 1 {
            let names: Vec<&str> = outermost.iter().filter_map(|(_, rule)| rule.slice.as_deref()).collect();
            self.tell(child, Error, &messages::TWO_SLICES, &[&active.profile.shown, &names.join(", ")]);
        }
        for (ordinal, _) in &matched {
            self.count(offset + ordinal);
        }
        match matched.last() {
            Some((ordinal, rule)) => {
                self.check_slice_order(child, active, slicing, *ordinal, unsliced, group);
                Some(rule)
            }
            None => self.in_no_slice(child, active, unsliced, slicing, offset, group),
        }
    }

    fn check_slice_order(
        &mut self,
        child: Element<'d>,
        active: Active<'d>,
        slicing: &Slicing,
        ordinal: usize,
        unsliced: &'d Rule,
        group: &mut Group,
    ) {
        let last = group.of(active);
        if slicing.is_ordered && *last > ordinal && *last != usize::MAX {
            self.tell(child, Error, &messages::SLICE_ORDER, &[&unsliced.path]);
        } else if slicing.rules == SlicingRules::OpenAtEnd && *last == usize::MAX {
            self.tell(child, Error, &messages::SLICE_NOT_AT_END, &[&unsliced.path]);
        }
        if *last != usize::MAX {
            *last = ordinal;
        }
    }

    fn in_no_slice(
        &mut self,
        child: Element<'d>,
        active: Active<'d>,
        unsliced: &'d Rule,
        slicing: &Slicing,
        offset: usize,
        group: &mut Group,
    ) -> Option<&'d Rule> {
        *group.of(active) = usize::MAX;
        for ordinal in &unsliced.slices {
            if let Some(slice) = child_rule(active, usize::from(*ordinal))
                && slice.slice.as_deref() == Some("@default")
            {
                self.count(offset + usize::from(*ordinal));
                return Some(slice);
            }
        }
        let arguments: [&str; 2] = [&unsliced.path, &active.profile.shown];
        if slicing.rules == SlicingRules::Closed {
            self.tell(child, Error, &messages::NO_SLICE, &arguments);
        } else if unsliced.path.ends_with(".extension") || unsliced.path.ends_with(".modifierExtension") {
            // Other extensions are always welcome.
        } else if !slicing.discriminators.is_empty() {
            self.tell(child, Information, &messages::NO_SLICE_HINT, &arguments);
        }
        None
    }
}

/// What is remembered between siblings of one name.
#[derive(Default)]
pub(super) struct Group {
    last: Vec<(usize, usize)>,
    spare: usize,
}

impl Group {
    /// The last slice of a profile's rule; `usize::MAX` after an element of no slice.
    fn of(&mut self, active: Active<'_>) -> &mut usize {
        let key = std::ptr::from_ref(active.rule) as usize;
        let at = self.last.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.last.push((key, 0));
            self.last.len() - 1
        });
        self.last.get_mut(at).map_or(&mut self.spare, |(_, last)| last)
    }
}

pub(super) fn child_rule<'d>(active: Active<'d>, ordinal: usize) -> Option<&'d Rule> {
    active.rule.children.get(ordinal).and_then(|number| active.profile.rule(*number))
}

pub(super) fn is_primitive(code: &str) -> bool {
    // A logical model's type is a url.
    code.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && !code.starts_with("http")
        && !code.starts_with("urn:")
}

fn coded(code: &str) -> Option<Coded> {
    Some(match code {
        "code" | "string" | "uri" | "url" | "canonical" | "id" | "oid" | "markdown" => Coded::Code,
        "Coding" => Coded::Coding,
        "CodeableConcept" => Coded::CodeableConcept,
        "Quantity" | "Age" | "Duration" | "Distance" | "Count" | "Money" | "SimpleQuantity"
        | "MoneyQuantity" => Coded::Quantity,
        _ => return None,
    })
}
