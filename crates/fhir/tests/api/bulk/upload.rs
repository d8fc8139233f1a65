//! Lines that are sent as they come: whole or not at all.

use std::{io::Write, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use http::Request;
use serde_json::json;
use store::binds;

use super::{ASYNC, path, patient};
use crate::stage::{Calls, Heard, NORTH, Stage};

type Sent = Result<Bytes, std::io::Error>;

fn request(caller: &Calls<'_>, body: Body, fields: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post("/fhir/$import")
        .header("authorization", format!("Bearer {}", caller.token))
        .header("su-siteid", NORTH)
        .header("content-type", "application/fhir+ndjson")
        .header(ASYNC.0, ASYNC.1);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

async fn sent(stage: &Stage, caller: &Calls<'_>, pieces: Vec<Sent>) -> Heard {
    stage.send(request(caller, Body::from_stream(stream::iter(pieces)), &[])).await
}

/// Rows that hold something of an upload.
async fn rows(stage: &Stage) -> i64 {
    let sql = "SELECT (SELECT COUNT(*) FROM fhir_bulk_upload) + (SELECT COUNT(*) FROM fhir_bulk_chunk) + (SELECT COUNT(*) FROM fhir_bulk)";
    stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0
}

on_stage!(
    async fn lines_are_taken_as_they_come_however_many(stage) {
        let system = stage.north();
        // More than was ever held at once, in pieces that end anywhere.
        let line = format!(r#"{{"resourceType":"Patient","name":[{{"text":"{}"}}]}}"#, "x".repeat(300_000)) + "\n";
        let all = line.repeat(250);
        assert!(all.len() > 70 << 20);
        let pieces = all.as_bytes().chunks(77_777).map(|some| Ok(Bytes::copy_from_slice(some))).collect();
        let begun = sent(&stage, &system, pieces).await.expect(202);
        let status = path(begun.header("content-location"));
        let sql = "SELECT bytes, resources FROM fhir_bulk_file";
        let kept: (i64, i64) = stage.db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        assert_eq!(kept, (i64::try_from(all.len()).unwrap(), 250));
        system.get(&status).await.expect(202);
        system.delete(&status).await.expect(202);
        stage.worker().run_due().await.unwrap();
        assert_eq!(rows(&stage).await, 0);
    }
);

on_stage!(
    async fn packed_lines_are_unpacked(stage) {
        let system = stage.north();
        let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packing.write_all(format!("{}\n{}", patient("anna"), patient("bert")).as_bytes()).unwrap();
        let body = Body::from(packing.finish().unwrap());
        let begun = stage.send(request(&system, body, &[("content-encoding", "gzip")])).await.expect(202);
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&path(begun.header("content-location"))).await.expect(200).json();
        assert_eq!(manifest["extension"], json!({"stored": 2, "unchanged": 0, "refused": 0}));
        stage.send(request(&system, Body::from("x"), &[("content-encoding", "br")])).await.expect(415);
        let too_long = [("content-length", "9000000000000")];
        stage.send(request(&system, Body::from("x"), &too_long)).await.expect(413);
    }
);

on_stage!(
    async fn of_what_breaks_off_nothing_is_left(stage) {
        let system = stage.north();
        let line = patient("anna") + "\n";
        let many = Bytes::from(line.repeat(20_000));
        let broken = || Err(std::io::Error::other("the connection broke"));
        sent(&stage, &system, vec![Ok(many.clone()), broken()]).await.expect(400);
        sent(&stage, &system, vec![Ok(many.clone()), Ok(Bytes::from_static(&[0xff, b'\n']))]).await.expect(400);
        sent(&stage, &system, vec![]).await.expect(400);
        stage.worker().run_due().await.unwrap();
        assert_eq!(rows(&stage).await, 0);
        system.get("/fhir/Patient/anna").await.expect(404);
        // A node that dies with lines on their way: they count as under way for a while, and then are gone.
        for _ in 0..4 {
            let pieces = stream::iter([Ok(many.clone()) as Sent]).chain(stream::pending());
            let never = stage.send(request(&system, Body::from_stream(pieces), &[]));
            let before = rows(&stage).await;
            let is_kept = async {
                while rows(&stage).await < before + 2 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                () = is_kept => {}
                heard = never => panic!("{}", heard.body),
            }
        }
        sent(&stage, &system, vec![Ok(many.clone())]).await.expect(429);
        stage.clock.advance(Duration::from_secs(3_601));
        stage.worker().run_due().await.unwrap();
        stage.worker().run_due().await.unwrap();
        assert_eq!(rows(&stage).await, 0);
        let begun = sent(&stage, &system, vec![Ok(many)]).await.expect(202);
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&path(begun.header("content-location"))).await.expect(200).json();
        assert_eq!(manifest["extension"], json!({"stored": 1, "unchanged": 19_999, "refused": 0}));
    }
);
