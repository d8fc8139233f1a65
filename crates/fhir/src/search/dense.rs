//! Counts of what very many records have: the places under a key, kept in memory as a bitmap and brought forward to the snapshot that is
//! asked. Nothing is counted by a bitmap that is of another place than the snapshot, so every node counts what the database has.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use roaring::RoaringTreemap;
use store::Reader;

use crate::{
    key,
    resource::Rid,
    search::{
        DENSE_BYTES_MAX, DENSE_FORWARD_MAX, SearchFault, condition::Condition, drive::conjuncts,
        find::Sought, sort::newest_place, statement::Statement,
    },
    tenant::Tenant,
};

/// A site's key, and the system that its postings have to be of.
type Key = (i64, i64, Option<i64>);

/// The bitmaps of one process.
#[derive(Debug)]
pub(crate) struct Dense {
    /// Keys with fewer postings are counted by the database.
    pub(crate) postings_min: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    maps: HashMap<Key, Map>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug, Clone)]
struct Map {
    /// As the index is at this place.
    at: Rid,
    places: RoaringTreemap,
    bytes: usize,
    used: u64,
}

impl Dense {
    pub(crate) fn new(postings_min: usize) -> Self {
        Self { postings_min, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: Key) -> Option<Map> {
        let mut kept = self.kept();
        kept.uses += 1;
        let uses = kept.uses;
        let map = kept.maps.get_mut(&key)?;
        map.used = uses;
        Some(map.clone())
    }

    /// Keeps a bitmap that is newer than what is kept; what was used longest ago goes when there is no room.
    fn keep(&self, key: Key, at: Rid, places: &RoaringTreemap) {
        let mut kept = self.kept();
        if kept.maps.get(&key).is_some_and(|map| map.at >= at) {
            return;
        }
        let bytes = places.serialized_size();
        if bytes > DENSE_BYTES_MAX / 4 {
            return;
        }
        kept.uses += 1;
        let map = Map { at, places: places.clone(), bytes, used: kept.uses };
        let before = kept.maps.insert(key, map).map_or(0, |before| before.bytes);
        kept.bytes = kept.bytes.saturating_sub(before).saturating_add(bytes);
        while kept.bytes > DENSE_BYTES_MAX {
            let oldest = kept.maps.iter().min_by_key(|(_, map)| map.used).map(|(key, _)| *key);
            let Some(gone) = oldest.and_then(|oldest| kept.maps.remove(&oldest)) else { break };
            kept.bytes = kept.bytes.saturating_sub(gone.bytes);
        }
    }
}

/// How many records hold a condition that is made of postings alone, if there are so many that it is worth a bitmap, or if that was told by
/// looking whether there are.
pub(super) async fn count(
    reader: &mut Reader,
    tenant: &Tenant,
    dense: &Dense,
    sought: &Sought,
) -> Result<Option<u64>, SearchFault> {
    let mut keys = BTreeMap::new();
    if !postings(&sought.condition, tenant, sought, &mut keys) {
        return Ok(None);
    }
    let is_kept = {
        let kept = dense.kept();
        keys.keys().all(|key| kept.maps.contains_key(key))
    };
    if !is_kept {
        let listed = listed(reader, tenant, dense, sought).await?;
        if listed.is_none_or(|rows| rows < dense.postings_min) {
            return Ok(listed
                .filter(|_| is_list_itself(&sought.condition))
                .and_then(|rows| u64::try_from(rows).ok()));
        }
    }
    let now = newest_place(reader, tenant).await?;
    let mut replaced = BTreeMap::new();
    for (key, places) in &mut keys {
        match brought(reader, (tenant, dense), *key, now, &mut replaced).await? {
            Some(found) => *places = found,
            None => return Ok(None),
        }
    }
    Ok(Some(all(&sought.condition, tenant, sought, &keys).len()))
}

/// The keys that a condition asks for; false if it asks for anything else.
fn postings(
    condition: &Condition,
    tenant: &Tenant,
    sought: &Sought,
    keys: &mut BTreeMap<Key, RoaringTreemap>,
) -> bool {
    let mut add = |key, system| drop(keys.insert((tenant.number(), key, system), RoaringTreemap::new()));
    match condition {
        Condition::Posting { key, system } => add(*key, *system),
        Condition::Postings { keys: several, system } => several.iter().for_each(|key| add(*key, *system)),
        Condition::Any => add(key::of_type(sought.of), None),
        Condition::None => {}
        Condition::Not(inner) => {
            add(key::of_type(sought.of), None);
            return postings(inner, tenant, sought, keys);
        }
        Condition::All(conditions) | Condition::AnyOf(conditions) => {
            return conditions.iter().all(|one| postings(one, tenant, sought, keys));
        }
        _ => return false,
    }
    true
}

/// Whether a condition is one list of which every row is another record: a code of one system.
fn is_list_itself(condition: &Condition) -> bool {
    matches!(conjuncts(condition), [Condition::Posting { system: Some(_), .. }])
}

/// How long the shortest list is that could be counted instead, as far as it is worth knowing; none where there is no list.
async fn listed(
    reader: &mut Reader,
    tenant: &Tenant,
    dense: &Dense,
    sought: &Sought,
) -> Result<Option<usize>, SearchFault> {
    let everything = Condition::Posting { key: key::of_type(sought.of), system: None };
    let driver = sought.driver().and_then(|at| conjuncts(&sought.condition).get(at)).unwrap_or(&everything);
    let mut statement = Statement::new(tenant, "");
    if !statement.length(driver, dense.postings_min) {
        return Ok(None);
    }
    let counted = reader.all_composed::<(i64,)>(&statement.done()?).await?;
    Ok(counted.first().and_then(|(rows,)| usize::try_from(*rows).ok()))
}

/// The places under a key as they are at this one; none if what is kept is of a later one.
async fn brought(
    reader: &mut Reader,
    (tenant, dense): (&Tenant, &Dense),
    key: Key,
    now: Rid,
    replaced: &mut BTreeMap<Rid, RoaringTreemap>,
) -> Result<Option<RoaringTreemap>, SearchFault> {
    let is_near = |map: &Map| now.number().saturating_sub(map.at.number()) <= DENSE_FORWARD_MAX;
    let (at, mut places) = match dense.find(key) {
        Some(map) if map.at == now => return Ok(Some(map.places)),
        Some(map) if map.at > now => return Ok(None),
        Some(map) if is_near(&map) => (map.at, map.places),
        _ => (Rid::numbered(-1), RoaringTreemap::new()),
    };
    let mut statement = Statement::new(tenant, "SELECT p.rid FROM fhir_posting p WHERE p.tenant = ");
    statement.int(tenant.number()).text(" AND p.k = ").int(key.1).text(" AND p.rid > ").int(at.number());
    if let Some(system) = key.2 {
        statement.text(" AND p.system = ").int(system);
    }
    let added = reader.all_composed::<(i64,)>(&statement.done()?).await?;
    places.extend(added.into_iter().filter_map(|(place,)| u64::try_from(place).ok()));
    if at.number() >= 0 {
        let gone = match replaced.entry(at) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(replaced_since(reader, tenant, at).await?),
        };
        places -= &*gone;
    }
    dense.keep(key, now, &places);
    Ok(Some(places))
}

/// The places that were current at one and have a newer version now.
async fn replaced_since(
    reader: &mut Reader,
    tenant: &Tenant,
    at: Rid,
) -> Result<RoaringTreemap, SearchFault> {
    let sql = "SELECT (SELECT h.rid FROM fhir_history h WHERE h.tenant = v.tenant AND h.type = v.type AND h.id = v.id \
               AND h.version = v.version - 1 AND h.rid <= $2) AS rid FROM fhir_version v WHERE v.tenant = $1 \
               AND v.rid > $2 AND v.version > 1";
    let gone = reader.all::<(Option<i64>,)>(sql, store::binds![tenant.number(), at.number()]).await?;
    Ok(gone.into_iter().filter_map(|(place,)| u64::try_from(place?).ok()).collect())
}

/// The places of the records that hold a condition.
fn all(
    condition: &Condition,
    tenant: &Tenant,
    sought: &Sought,
    keys: &BTreeMap<Key, RoaringTreemap>,
) -> RoaringTreemap {
    let of = |key: i64, system| keys.get(&(tenant.number(), key, system)).cloned().unwrap_or_default();
    let each = |one: &Condition| all(one, tenant, sought, keys);
    match condition {
        Condition::Posting { key, system } => of(*key, *system),
        Condition::Postings { keys: several, system } => {
            several.iter().map(|key| of(*key, *system)).fold(RoaringTreemap::new(), |all, one| all | one)
        }
        Condition::Any => of(key::of_type(sought.of), None),
        Condition::Not(inner) => of(key::of_type(sought.of), None) - each(inner),
        Condition::AnyOf(any) => any.iter().map(each).fold(RoaringTreemap::new(), |all, one| all | one),
        Condition::All(conditions) => {
            conditions.iter().map(each).reduce(|all, one| all & one).unwrap_or_default()
        }
        _ => RoaringTreemap::new(),
    }
}
