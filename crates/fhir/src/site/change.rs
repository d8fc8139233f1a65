//! What administrators see and change of sites and plans, by the API and in the pages. What was changed is in force at once here; other
//! nodes hear of it.

use kernel::{Id, Issue, Organisation};

use super::{
    Assigned, BreakGlass, Coded, Plan, Policy, SiteCode, SiteFault, Subscription, Switched, Wanted, assign,
    plan, queries, subscribe,
};
use crate::{
    By, Fhir, NamedSite,
    package::{NoPackageId, Packages},
    reindex::{self, Progress},
};

/// What an administrator says of a site; what is not said stays.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `HC` and five letters or digits; drawn where the site has none.
    pub code: Option<String>,
    /// `off`, `warn` or `enforce`.
    pub validation: Option<String>,
    /// `allowed` or `refused`.
    pub upsert: Option<String>,
    /// Packages with their versions, among those that are loaded; `Some(None)` for all that there are.
    pub packages: Option<Option<Vec<String>>>,
    /// Canonicals of profiles that every record of their type must conform to.
    pub profiles: Option<Vec<String>>,
    /// `off` or `enforce`.
    pub consent: Option<String>,
    /// Who may ask past what patients withhold: `Practitioner/5`, `Device/<client id>`.
    pub break_glass: Option<Vec<String>>,
}

impl Fhir {
    /// The base of the FHIR API, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The sites of an organisation by name, with their codes and policies where they have one.
    ///
    /// # Errors
    /// The database, and whoever knows the sites.
    pub async fn sites_of(
        &self,
        organisation: Id<Organisation>,
    ) -> Result<Vec<(NamedSite, Option<Coded>)>, SiteFault> {
        let named = self.sites.of(organisation).await?;
        let terms = queries::of_organisation(&mut self.db.read().await?, organisation).await?;
        let coded: Vec<Coded> = terms.into_iter().map(Coded::of).collect();
        let of = |id| coded.iter().find(|coded| coded.site == id).cloned();
        Ok(named.into_iter().map(|one| (one.clone(), of(one.id))).collect())
    }

    /// Give a site of the organisation its code, or change how it takes what is written.
    ///
    /// # Errors
    /// What is said is not good, the code is taken or another one than the site has; the database.
    pub async fn change_site(
        &self,
        by: &By,
        site: Id<kernel::Site>,
        said: &Said,
    ) -> Result<(NamedSite, Coded), SiteFault> {
        let all = self.sites_of(by.organisation).await?;
        let found = all.into_iter().find(|(named, _)| named.id == site);
        let (named, there) = found.ok_or(SiteFault::NoSite)?;
        let before = there.map(|site| (site.policy, site.packages)).unwrap_or_default();
        let mut wanted = read(said, before, &self.packages)?;
        wanted.parameters = wanted.packages.as_ref().and_then(|switched| self.searched_by(switched));
        let assigned = assign(&self.db, &self.world, by, site, wanted).await?;
        self.shelf.forget();
        Ok((named, assigned))
    }

    /// What packages say that a site is searched by beside R4's parameters; nothing can be said where one of them is not there.
    pub fn searched_by(&self, switched: &Switched) -> Option<Vec<Wanted>> {
        reindex::wanted(&self.packages, switched, &self.registry).ok()
    }

    /// What a site of the organisation is searched by beside R4's parameters, and how far its records are indexed by it.
    ///
    /// # Errors
    /// There is no such site, or it has no code; the database.
    pub(crate) async fn progress(
        &self,
        organisation: Id<Organisation>,
        site: Id<kernel::Site>,
    ) -> Result<Progress, SiteFault> {
        let mut reader = self.db.read().await?;
        let terms = queries::of_site(&mut reader, organisation, site).await?.ok_or(SiteFault::NoSite)?;
        let offered = self.packages.parameters(terms.packages.chosen(), &self.registry).unwrap_or_default();
        Ok(reindex::progress(&mut reader, terms.tenant, &offered).await?)
    }

    /// What an organisation has subscribed to.
    ///
    /// # Errors
    /// The database.
    pub async fn plan_of(&self, organisation: Id<Organisation>) -> Result<Plan, SiteFault> {
        plan(&self.db, organisation).await
    }

    /// Let the organisation have the subscriptions that are named, and no others.
    ///
    /// # Errors
    /// A word that is none; the database.
    pub async fn change_plan(&self, by: &By, subscriptions: &[String]) -> Result<Plan, SiteFault> {
        let read = subscriptions.iter().enumerate().map(|(nth, word)| {
            word.parse::<Subscription>()
                .map_err(|unknown| Issue::at(format!("subscriptions[{nth}]"), unknown.to_string()))
        });
        let wanted: Plan =
            read.collect::<Result<_, Issue>>().map_err(|issue| SiteFault::Refused(vec![issue]))?;
        let plan = subscribe(&self.db, &self.world, by, wanted).await?;
        self.shelf.forget();
        Ok(plan)
    }
}

/// Every field that is at fault is named.
fn read(
    said: &Said,
    (before, packages): (Policy, Switched),
    there: &Packages,
) -> Result<Assigned, SiteFault> {
    let mut issues = Vec::new();
    let code = said.code.as_deref().map(SiteCode::parse);
    if code == Some(None) {
        issues.push(Issue::at("code", "must be HC and five letters or digits").of_rule("format"));
    }
    let mut policy = before;
    match said.validation.as_deref().map(str::parse).transpose() {
        Ok(validation) => policy.validation = validation.unwrap_or(before.validation),
        Err(unknown) => issues.push(Issue::at("validation", unknown.to_string())),
    }
    match said.upsert.as_deref().map(str::parse).transpose() {
        Ok(upsert) => policy.upsert = upsert.unwrap_or(before.upsert),
        Err(unknown) => issues.push(Issue::at("upsert", unknown.to_string())),
    }
    match said.consent.as_deref().map(str::parse).transpose() {
        Ok(consent) => policy.consent = consent.unwrap_or(before.consent),
        Err(unknown) => issues.push(Issue::at("consent", unknown.to_string())),
    }
    let packages = switched(said, packages, &mut issues);
    if issues.is_empty() && (said.packages.is_some() || said.profiles.is_some()) {
        issues.extend(packages.faults(there));
    }
    let break_glass = match said.break_glass.as_deref().map(BreakGlass::new).transpose() {
        Ok(break_glass) => break_glass,
        Err(wrong) => {
            issues.extend(wrong);
            None
        }
    };
    let (policy, packages) = (Some(policy), Some(packages));
    match issues.is_empty() {
        true => Ok(Assigned { code: code.flatten(), policy, packages, parameters: None, break_glass }),
        false => Err(SiteFault::Refused(issues)),
    }
}

/// What the site validates with from now on.
fn switched(said: &Said, before: Switched, issues: &mut Vec<Issue>) -> Switched {
    let mut switched = before;
    match &said.packages {
        None => {}
        Some(None) => switched.packages = None,
        Some(Some(names)) => {
            let mut ids = Vec::with_capacity(names.len());
            for (nth, name) in names.iter().enumerate() {
                match name.parse() {
                    Ok(id) => ids.push(id),
                    Err(NoPackageId) => {
                        issues.push(Issue::at(format!("packages[{nth}]"), NoPackageId.to_string()));
                    }
                }
            }
            switched.packages = Some(ids);
        }
    }
    if let Some(profiles) = &said.profiles {
        let is_bad = |profile: &String| profile.is_empty() || profile.contains(char::is_whitespace);
        for (nth, _) in profiles.iter().enumerate().filter(|(_, profile)| is_bad(profile)) {
            issues.push(Issue::at(format!("profiles[{nth}]"), "must be the canonical of a profile"));
        }
        switched.profiles = profiles.iter().map(|profile| profile.as_str().into()).collect();
    }
    switched
}
