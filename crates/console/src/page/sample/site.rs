//! What administrators see of sites with records, and of the plan.

use fhir::site::{BreakGlass, Coded, Plan, Policy, SiteCode, Subscription, Switched, Validation};
use kernel::Id;

use super::{DAY, HOUR, admin::ID, ago, shown};
use crate::{
    frame::{Frame, Here, Viewer},
    label::State,
    page::{
        admin::AuditRow,
        site::{Filled, Site, SiteRow, Sites, how_it_is, plan_form, row, site_form},
    },
    t,
};

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let none = Sites {
        sites: Vec::new(),
        changes: Vec::new(),
        plan: plan_form(&[]),
        ..sites(&Plan::default(), Vec::new())
    };
    vec![
        shown("admin-sites", &sites(&plan(), rows())),
        shown("admin-sites-empty", &none),
        shown("admin-site", &site(false)),
        shown("admin-site-new", &site(true)),
    ]
}

fn plan() -> Plan {
    [Subscription::Base, Subscription::Clinical].into_iter().collect()
}

fn coded(code: &str, validation: Validation) -> Option<Coded> {
    let policy = Policy { validation, ..Policy::default() };
    Some(Coded {
        site: Id::from_bytes([7; 16]),
        code: SiteCode::parse(code)?,
        policy,
        packages: Switched::default(),
        break_glass: BreakGlass::new(&["Practitioner/5".to_owned()]).unwrap_or_default(),
    })
}

fn rows() -> Vec<SiteRow> {
    vec![
        row(ID, "Kelvin Hospital", coded("HCKLV01", Validation::Enforce).as_ref()),
        row(ID, "Riverside Clinic", coded("HCKLV02", Validation::Warn).as_ref()),
        row(ID, "Sinclair Ward", None),
    ]
}

fn changes() -> Vec<AuditRow> {
    let entry = |act: &str, subject: &str, age| AuditRow {
        at: ago(age),
        act: act.to_owned(),
        actor: "Ailsa Grant".to_owned(),
        subject: subject.to_owned(),
        outcome: State::good(t("audit-done")),
        why: None,
        request: None,
    };
    vec![entry("fhir_plan.changed", "organisation", HOUR), entry("fhir_site.assigned", "site", 2 * DAY)]
}

fn sites(plan: &Plan, sites: Vec<SiteRow>) -> Sites {
    let (how, but) = how_it_is(&sites, plan);
    let ticked: Vec<String> = plan.iter().map(|one| one.as_str().to_owned()).collect();
    Sites {
        frame: Frame::inside(t("menu-sites"), Here::Sites, Viewer::sample_administrator()),
        how,
        but,
        sites,
        plan: plan_form(&ticked),
        changes: changes(),
    }
}

fn site(is_new: bool) -> Site {
    let coded = if is_new { None } else { coded("HCKLV02", Validation::Warn) };
    let filled = Filled {
        guides: "chosen",
        packages: vec!["hl7.fhir.uv.ips#1.1.0".to_owned()],
        ..Filled::of(coded.as_ref())
    };
    let offered = ["fhir.r4.ukcore.stu2#2.0.1", "hl7.fhir.uv.ips#1.1.0"].map(str::to_owned);
    let form = site_form(ID, &offered, &filled);
    Site {
        frame: Frame::inside("Riverside Clinic", Here::Sites, Viewer::sample_administrator()),
        name: "Riverside Clinic".to_owned(),
        row: row(ID, "Riverside Clinic", coded.as_ref()),
        base: "https://kelvin.example.org/fhir".to_owned(),
        form: if is_new {
            form.refused(vec![kernel::Issue::at("code", "this code is another site's")])
        } else {
            form
        },
        changes: changes(),
    }
}
