//! A sync between two sites, each behind its own door: what the one has comes into the other, whatever happens between them.

#[cfg(test)]
mod api;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod check;
#[cfg(test)]
mod edc;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod given;
#[cfg(test)]
mod linked;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sftp;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod told;
