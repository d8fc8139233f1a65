//! What is to be said of a record that is to be written at a site.

use fhirpath::document::Document;

use super::{Checked, SetFault};
use crate::{Inner, site::Site};

impl Inner {
    /// What the packages that the site has switched on say of a resource, with the profiles that the site asks of all of its type and
    /// those that are named.
    ///
    /// # Errors
    /// A package that the site has switched on is not there.
    pub(crate) fn found(
        &self,
        site: &Site,
        document: &Document<'_>,
        named: &[&str],
    ) -> Result<Checked, SetFault> {
        let definitions = self.packages.of(site.packages.chosen())?;
        let of = document.root().resource_type();
        let of_all = site.packages.profiles.iter().map(|profile| &**profile);
        let of_all = of_all.filter(|profile| definitions.profiled(profile) == of.as_deref());
        let profiles: Vec<&str> = of_all.chain(named.iter().copied()).collect();
        Ok(definitions.check(document, &profiles, self.world.now()))
    }
}
