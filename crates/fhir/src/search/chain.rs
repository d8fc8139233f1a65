//! A chain that leads over few records is a link to one of these.

use store::Reader;

use crate::{
    parameter::ResourceType,
    search::{CHAIN_TARGETS_MAX, SearchFault, condition::Condition, statement::Statement},
    tenant::Tenant,
};

/// The condition with links instead of its chains, where those lead over [`CHAIN_TARGETS_MAX`] records at the most: a link is asked of a
/// record where it stands, and the records that a chain leads from would all have to be gathered before.
pub(super) async fn shortened(
    reader: &mut Reader,
    tenant: &Tenant,
    mut condition: Condition,
) -> Result<Condition, SearchFault> {
    let mut chains = Vec::new();
    gather(&mut condition, &mut chains);
    if chains.is_empty() {
        return Ok(condition);
    }
    for chain in chains {
        let Condition::Chain { way, of, inner } = chain else { continue };
        let mut targets = targets(reader, tenant, (*of, inner)).await?;
        if targets.len() <= CHAIN_TARGETS_MAX {
            targets.sort_unstable();
            targets.dedup();
            let way = *way;
            *chain = if targets.is_empty() { Condition::None } else { Condition::Link { way, targets } };
        }
    }
    Ok(settled(condition))
}

/// Those that all records or alternatives are asked; others are left as they are.
fn gather<'c>(condition: &'c mut Condition, found: &mut Vec<&'c mut Condition>) {
    match condition {
        Condition::All(inner) | Condition::AnyOf(inner) => {
            inner.iter_mut().for_each(|one| gather(one, found))
        }
        Condition::Chain { .. } => found.push(condition),
        _ => {}
    }
}

/// The identities of the records over which a chain leads; one more than is looked for where there are too many.
async fn targets(
    reader: &mut Reader,
    tenant: &Tenant,
    (of, inner): (ResourceType, &Condition),
) -> Result<Vec<i64>, SearchFault> {
    let mut statement = Statement::new(tenant, "");
    statement
        .identities(of, inner)
        .text(" LIMIT ")
        .int(i64::try_from(CHAIN_TARGETS_MAX + 1).unwrap_or(i64::MAX));
    Ok(reader.all_composed::<(i64,)>(&statement.done()?).await?.into_iter().map(|(way,)| way).collect())
}

/// The condition, told that some of it is none.
fn settled(condition: Condition) -> Condition {
    match condition {
        Condition::All(all) => {
            let all: Vec<Condition> = all.into_iter().map(settled).collect();
            if all.contains(&Condition::None) { Condition::None } else { Condition::All(all) }
        }
        Condition::AnyOf(any) => {
            let mut any: Vec<Condition> =
                any.into_iter().map(settled).filter(|one| *one != Condition::None).collect();
            match any.len() {
                0 => Condition::None,
                1 => any.pop().unwrap_or(Condition::None),
                _ => Condition::AnyOf(any),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_over_nothing_is_none_and_takes_with_it_whatever_needs_it() {
        let every = || Condition::Posting { key: 1, system: None };
        let nothing = || Condition::AnyOf(vec![Condition::None, Condition::None]);
        assert_eq!(settled(nothing()), Condition::None);
        assert_eq!(settled(Condition::All(vec![every(), nothing()])), Condition::None);
        assert_eq!(settled(Condition::AnyOf(vec![Condition::None, every()])), every());
        let both = Condition::All(vec![every(), every()]);
        assert_eq!(settled(both.clone()), both);
    }
}
