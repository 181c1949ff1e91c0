//! Commands on places.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "GEOADD {k} {lon} {lat} {m}",
    "GEOADD {k} {lon} {lat} {m} {lon} {lat} {m}",
    "GEOADD {k} {lon} {lat} {m} {lon} {lat} {m} {lon} {lat} {m} {lon} {lat} {m}",
    "GEOADD {k} NX {lon} {lat} {m}",
    "GEOADD {k} XX CH {lon} {lat} {m}",
    "GEOADD {k} CH {lon} {lat} {m}",
    "GEOADD {k} NX XX {lon} {lat} {m}",
    "GEOADD {k} {lon} {lat}",
    "GEOADD {k} 181 {lat} {m}",
    "GEOADD {k} {lon} -86 {m}",
    "GEOADD {k} {i} {i} {m}",
    "GEOADD {k} bogus {lat} {m}",
    "GEOPOS {k} {m} {m} {m}",
    "GEOPOS {k}",
    "GEOHASH {k} {m} {m}",
    "GEODIST {k} {m} {m}",
    "GEODIST {k} {m} {m} {u}",
    "GEODIST {k} {m} {m} parsec",
    "GEODIST {k} {m} {m} km extra",
    "ZSCORE {k} {m}",
    "ZREM {k} {m}",
    "ZCARD {k}",
    "GEOSEARCH {k} FROMMEMBER {m} BYRADIUS {r} {u}",
    "GEOSEARCH {k} FROMMEMBER {m} BYRADIUS {r} {u} ASC WITHDIST",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} ASC",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} DESC WITHCOORD WITHDIST WITHHASH",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} COUNT 3",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} COUNT 2 ANY",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} COUNT 2 ANY ASC",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYBOX {r} {r} {u} ASC WITHDIST",
    "GEOSEARCH {k} FROMMEMBER {m} BYBOX {r} {r} {u} DESC COUNT {s}",
    "GEOSEARCH {k} FROMMEMBER {m} BYBOX {r} {r} {u} ANY",
    "GEOSEARCH {k} FROMMEMBER {m} BYBOX -1 {r} {u}",
    "GEOSEARCH {k} FROMMEMBER {m} BYRADIUS -1 {u}",
    "GEOSEARCH {k} FROMMEMBER {m} BYRADIUS bogus {u}",
    "GEOSEARCH {k} FROMMEMBER {m} FROMLONLAT {lon} {lat} BYRADIUS {r} {u}",
    "GEOSEARCH {k} BYRADIUS {r} {u} BYBOX {r} {r} {u}",
    "GEOSEARCH {k} BYRADIUS {r} {u} ASC WITHDIST",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} ASC WITHDIST",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} COUNT {i}",
    "GEOSEARCH {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} STOREDIST",
    "GEOSEARCHSTORE near {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u}",
    "GEOSEARCHSTORE near {k} FROMMEMBER {m} BYBOX {r} {r} {u} ASC COUNT 3",
    "GEOSEARCHSTORE near {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} STOREDIST",
    "GEOSEARCHSTORE near {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u} WITHDIST",
    "GEOSEARCHSTORE {k} {k} FROMMEMBER {m} BYRADIUS {r} {u}",
    "ZRANGE near 0 -1",
    "GEORADIUS {k} {lon} {lat} {r} {u} ASC",
    "GEORADIUS {k} {lon} {lat} {r} {u} WITHDIST WITHCOORD COUNT 4 DESC",
    "GEORADIUS {k} {lon} {lat} {r} {u} STORE near",
    "GEORADIUS {k} {lon} {lat} {r} {u} STOREDIST near COUNT 2",
    "GEORADIUS {k} {lon} {lat} {r} {u} STORE near WITHDIST",
    "GEORADIUS_RO {k} {lon} {lat} {r} {u} WITHHASH ASC",
    "GEORADIUS_RO {k} {lon} {lat} {r} {u} STORE near",
    "GEORADIUSBYMEMBER {k} {m} {r} {u} ASC WITHDIST",
    "GEORADIUSBYMEMBER {k} {m} {r} {u} STORE near",
    "GEORADIUSBYMEMBER_RO {k} {m} {r} {u} DESC COUNT 3",
    "SET other {v}",
    "GEOADD other {lon} {lat} {m}",
    "GEOPOS other {m}",
    "GEOSEARCH other FROMMEMBER {m} BYRADIUS {r} {u}",
    "GEORADIUS other {lon} {lat} {r} {u}",
    "GEOSEARCHSTORE other {k} FROMLONLAT {lon} {lat} BYRADIUS {r} {u}",
    "DEL other",
    "DEL {k}",
    "EXPIREAT {k} 33177117420",
    "EXPIRETIME near",
    "TYPE {k}",
];

/// Members beyond [`LINES`]' own, so that sorted sets grow past their packed form.
pub(crate) fn command(draw: &mut Draw) -> Words {
    if draw.once_in(100) {
        let mut words = draw.fill("GEOADD {k}");
        for n in 0..1 + draw.below(200) {
            words.extend(draw.fill("{lon} {lat}"));
            words.push(format!("many{n}").into_bytes());
        }
        return words;
    }
    draw.line(LINES)
}
