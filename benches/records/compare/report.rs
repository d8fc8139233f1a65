//! Where two servers differ, told by parameter and way of asking.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use super::{Asked, Record, Said};

/// Of what one alone finds, that many are named.
const NAMED_MAX: usize = 4;

/// A question and both answers.
pub struct Compared {
    pub asked: Asked,
    pub own: Said,
    pub peer: Said,
}

#[derive(Default)]
struct Counted {
    asked: usize,
    same: usize,
    differ: usize,
    refused_by_own: usize,
    refused_by_peer: usize,
    refused_by_both: usize,
}

impl Counted {
    fn add(&mut self, compared: &Compared) {
        self.asked += 1;
        let one = match (&compared.own, &compared.peer) {
            (Said::Refused(_), Said::Refused(_)) => &mut self.refused_by_both,
            (Said::Refused(_), _) => &mut self.refused_by_own,
            (_, Said::Refused(_)) => &mut self.refused_by_peer,
            (own, peer) if own == peer => &mut self.same,
            _ => &mut self.differ,
        };
        *one += 1;
    }
}

/// Records that a server did not take.
pub fn refused(by: &str, records: &[(Record, String)]) {
    println!("{} records refused by {by}", records.len());
    for (record, why) in records {
        println!("  {}/{}: {why}", record.of, record.id);
    }
}

/// A table by way of asking, and a file with every difference.
pub fn tell(compared: &[Compared]) {
    let mut by_form: BTreeMap<&str, Counted> = BTreeMap::new();
    for one in compared {
        by_form.entry(one.asked.form).or_default().add(one);
        by_form.entry("together").or_default().add(one);
    }
    println!(
        "\n| | asked | the same | differ | refused by Hilum | by HAPI | by both |\n|---|---|---|---|---|---|---|"
    );
    for (form, it) in by_form {
        println!(
            "| {form} | {} | {} | {} | {} | {} | {} |",
            it.asked, it.same, it.differ, it.refused_by_own, it.refused_by_peer, it.refused_by_both
        );
    }
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("records-compared.txt");
    let differing: String = compared.iter().filter(|one| one.own != one.peer).map(line).collect();
    std::fs::write(&file, differing).unwrap();
    println!("every difference: {}", file.display());
}

/// One difference in a line.
fn line(compared: &Compared) -> String {
    let asked = &compared.asked;
    let mut line = format!("{}.{} {}: ", asked.of, asked.parameter, asked.form);
    match (&compared.own, &compared.peer) {
        (Said::Found(own), Said::Found(peer)) => {
            let both = own.intersection(peer).count();
            write!(line, "both {both}, Hilum alone {}, HAPI alone {}", some(own, peer), some(peer, own))
                .unwrap();
        }
        (own, peer) => write!(line, "Hilum {}, HAPI {}", short(own), short(peer)).unwrap(),
    }
    writeln!(line, "\t{}", asked.target).unwrap();
    line
}

fn some(of: &BTreeSet<String>, without: &BTreeSet<String>) -> String {
    let alone: Vec<&String> = of.difference(without).collect();
    let named: Vec<&str> = alone.iter().take(NAMED_MAX).map(|name| name.as_str()).collect();
    format!("{} [{}]", alone.len(), named.join(" "))
}

fn short(said: &Said) -> String {
    match said {
        Said::Found(found) => format!("found {}", found.len()),
        Said::Refused(status) => format!("refused {status}"),
    }
}
