//! Facts about units: those that UCUM's functional tests state (11 October 2018) among them.

use proptest::prelude::*;

use super::*;
use crate::value::Decimal;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

const GOOD: &str = "m /m 10*3/ul 10*-3/ul 10*+3/ul m[H2O] 10*23 rad2 m3.kg-1.s-2 4.[pi].10*-7.N/A2 rad2{a} {a}.rad2{b} \
    1{c} {e} % dB[10.nV] [cup_us] [foz_br] [sft_i] [syd_i] [tbs_us] 1/d 1/min a cm3 meq mg/d mm[Hg] mU U/l ug/min wk mo \
    /[HPF] /[LPF] /mmol [APL'U] [GPL'U] [IU] [IU]/mL [MPL'U] 10*12/L Cel cm/s fL fmol/L g/g kU/L m[IU]/L nmol/h/mL u[IU]/mL \
    umol/2.h [arb'U] dyn.s/(cm5.m2) [bdsk'U] K/W {bsa} cm[H2O] kg{body_wt} cm[H2O].s/L mmol/(8.h.kg) {cfu} [drp] dB[SPL] \
    [ka'U] REM kcal/(8.h) g{creat} [knk'U] [mclg'U] g.m/m2{hb} osm/kg {od} g.m/{hb} pH pA [ppb] [pptr] [in_us] [todd'U] \
    [in_i'Hg] /{tot} mL/{hb}.m2 10*3{rbc} 10.L/(min.m2) mL/cm[H2O] ueq Gy hL nkat lm mol/(kg.s) eV Ohm.m pt a/m Wb \
    m[H2O]{x} %[slope] [m/s2/Hz^(1/2)] B[10.nV] KiBy Mibit Cel/d [pH] [degF] 10^-3 m0 m+2 g% ' '' [Amb'a'1'U] mm[Hg]{hg} \
    mL/min/{1.73_m2} {patch} ((m)) /(m)";

const BAD: &str = "m/ 10+3/ul {a}rad2{b} {|}1 iU molv [BETH'U] [iIU] [iIU]/d m[iIU]/L g/12h g/48h mL/10h mmol/5h U/1h \
    mmol/kg[H20] cm[H20] ug(8.h) ug(8hr) fmm[Hg] lbs kmin k% mg//dL //m m.s. .m (m m) m{ m} {a{b} m{a}{b} () m] [ ] 0 0.m \
    m100 m-100 10*1000 Mg_ cel KG (m)2 (m){a} m(s) kk da hectog + - 2+ m= \"m\" /";

#[test]
fn what_is_a_unit_and_what_is_not() {
    for code in GOOD.split_whitespace() {
        assert_eq!(check(code), Ok(()), "{code}");
    }
    for code in BAD.split_whitespace() {
        assert!(check(code).is_err(), "{code}");
    }
    for code in
        ["", " ", "m ", "mg /dL", "rad2{錠}", "µg", "m\0", "{a b}", &"m.".repeat(200), &"m".repeat(300)]
    {
        assert!(check(code).is_err(), "{code}");
    }
    assert!(
        check(&format!("{}m{}", "(".repeat(limits::UNIT_DEPTH_MAX), ")".repeat(limits::UNIT_DEPTH_MAX)))
            .is_ok()
    );
    assert!(check(&format!("{}m{}", "(".repeat(17), ")".repeat(17))).is_err());
}

#[test]
fn a_fault_says_what_is_wrong_and_where() {
    for (code, expected) in [
        ("mg/", "a unit is missing (at character 3)"),
        ("mg/dl.min2x", "`min2x` is no unit of UCUM (at character 6)"),
        ("kmin", "`min` takes no prefix, so `kmin` is no unit (at character 0)"),
        ("mL/10h", "a number before `h` needs a dot: `10.h` (at character 3)"),
        ("{a}m", "`.` or `/` is missing (at character 3)"),
        ("(m", "`(` is not closed (at character 0)"),
        ("mm[Hg", "`[` is not closed (at character 2)"),
        ("m)", "`)` has no place here (at character 1)"),
        ("m100", "the exponent `100` is too large (at character 1)"),
        ("µg", "`\\u{b5}` has no place here (at character 0)"),
        ("", "there is no unit (at character 0)"),
    ] {
        assert_eq!(check(code).unwrap_err().to_string(), expected, "{code}");
    }
}

#[test]
fn values_become_those_of_other_units() {
    for (value, from, to, expected) in [
        ("6.3", "mm", "m", "0.0063"),
        ("6.3", "s.m-1", "s/m", "6.3"),
        ("6.3", "s.mm-2", "s.m-2", "6300000"),
        ("6.3", "s/m.mg", "s.m-1.g", "0.0063"),
        ("6.30", "4.s/m", "s/m", "25.2"),
        ("6.3", "s/4/m", "s/m", "1.575"),
        ("6.30", "[in_i]", "m", "0.16002"),
        ("6.3", "g.m.s-2.A-2", "g.m.C-2", "6.3"),
        ("1", "10*-7.s", "s", "0.0000001"),
        ("1", "m[Hg]", "g.s-2.m-1", "133322000"),
        ("1", "S", "g-1.m-2.C2.s", "0.001"),
        ("1", "[ly]", "cm", "946073047258080000"),
        ("1.2", "g.m", "m.g", "1.2"),
        ("1", "mmol/L", "umol/mL", "1"),
        ("100", "Cel", "[degF]", "212"),
        ("-40", "[degF]", "Cel", "-40"),
        ("36.6", "Cel", "K", "309.75"),
        ("80", "[degRe]", "Cel", "100"),
        ("1", "mCel", "K", "273.151"),
        ("180", "deg", "[pi].rad", "1"),
        ("200", "gon", "deg", "180"),
        ("1", "circ", "'", "21600"),
        ("7.4", "[pH]", "nmol/L", "39.8107170553497"),
        ("20", "dB", "1", "100"),
        ("0.002", "W", "B[kW]", "-5.69897000433602"),
        ("100", "%[slope]", "deg", "45"),
        ("8", "bit_s", "1", "256"),
        ("1", "KiBy", "bit", "8192"),
        ("1", "[psi]", "Pa", "6894.757293168361336722673445"),
        ("1", "[acr_us]", "[sft_i]", "43560.17424052272139"),
        ("1", "[LPF]", "[HPF]", "100"),
        ("1", "[lb_av]", "kg", "0.45359237"),
        ("0", "Cel", "K", "273.15"),
        ("0", "m", "cm", "0"),
    ] {
        let found = convert(d(value), from, to).unwrap_or_else(|fault| panic!("{from} {to}: {fault}"));
        let off = found.checked_sub(d(expected)).unwrap().abs().unwrap();
        assert!(off <= d("0.0000000000001"), "{value} {from} is {found} {to}, not {expected}");
    }
    let exact = |value: &str, from: &str, to: &str| convert(d(value), from, to).unwrap().to_string();
    assert_eq!(exact("98.6", "[degF]", "Cel"), "37");
    assert_eq!(exact("1", "[mi_i]", "m"), "1609.344");
}

#[test]
fn what_measures_something_else_is_not_converted() {
    for (from, to) in [("m", "s"), ("[iU]", "[arb'U]"), ("[iU]", "1"), ("mol/L", "g/L"), ("[iU]2", "[iU]")] {
        assert!(matches!(convert(d("1"), from, to), Err(ConvertFault::Different { .. })), "{from} {to}");
        assert_eq!(is_commensurable(from, to), Ok(false));
    }
    assert!(matches!(convert(d("1"), "Cel/d", "K/d"), Err(ConvertFault::NoMeasure(_))));
    assert!(matches!(convert(d("1"), "lbs", "kg"), Err(ConvertFault::Unit { .. })));
    // Written well, but `s-100` would be no unit: neither is measured.
    for code in ["mN50", "m60.m60", "[iU]60.[iU]60"] {
        assert_eq!(check(code), Ok(()));
        assert!(matches!(canonical(d("1"), code), Err(ConvertFault::NoMeasure(_))), "{code}");
    }
    assert_eq!(is_commensurable("[IU]/L", "m[iU]/mL"), Ok(true));
    // A homeopathic or acid nothing has no logarithm.
    assert_eq!(convert(d("0"), "mol/L", "[pH]"), Err(ConvertFault::NoNumber));
}

#[test]
fn one_kind_has_one_canonical_unit() {
    for (code, value, unit) in [
        ("mm[Hg]", "133322", "m-1.s-2.g"),
        ("N", "1000", "m.s-2.g"),
        ("Cel", "274.15", "K"),
        ("k[IU]/mL", "1000000000", "m-3.[iU]"),
        ("%", "0.01", "1"),
        ("[arb'U].[iU]2", "1", "[arb'U].[iU]2"),
    ] {
        let (found, own) = canonical(d("1"), code).unwrap();
        assert_eq!((found.to_string(), own.as_str()), (value.to_owned(), unit), "{code}");
        assert_eq!(check(&own), Ok(()));
        assert_eq!(is_commensurable(code, &own), Ok(true));
    }
}

/// Terms over units that can be multiplied.
fn terms() -> impl Strategy<Value = String> {
    let unit = prop::sample::select(vec![
        "m", "kg", "s", "mmol", "L", "[in_i]", "N", "[iU]", "10*3", "4", "mm[Hg]", "deg",
    ]);
    let part = (unit, prop_oneof![Just(""), Just("2"), Just("-1")]).prop_map(|(unit, power)| {
        if unit == "4" || unit == "10*3" { unit.to_owned() } else { format!("{unit}{power}") }
    });
    part.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop_oneof![Just('.'), Just('/')], inner)
            .prop_map(|(a, sign, b)| format!("({a}){sign}{b}"))
    })
}

proptest! {
    #[test]
    fn there_and_back(code in terms(), value in 1i64..1_000_000) {
        prop_assert_eq!(check(&code), Ok(()));
        // Some are more than 38 digits of their bases, or so little of them that the places are too few.
        let Ok((base, unit)) = canonical(value.into(), &code) else { return Ok(()) };
        prop_assume!(base > Decimal::new(1, 15).unwrap());
        let back = convert(base, &unit, &code).unwrap();
        let off = back.checked_sub(value.into()).unwrap().abs().unwrap();
        prop_assert!(off <= Decimal::new(1, 9).unwrap(), "{} {} {} {}", code, base, unit, back);
        // A unit divided by itself is a number.
        prop_assert_eq!(convert(1.into(), &format!("({code})/({code})"), "1").unwrap(), 1.into());
    }

    #[test]
    fn order_is_that_of_the_values(code in terms(), a in 1i64..1000, b in 1i64..1000) {
        prop_assert_eq!(compare((a.into(), &code), (b.into(), &code)), Some(a.cmp(&b)));
    }

    #[test]
    fn no_text_breaks_the_reader(code in "[\\PC]{0,40}") {
        if let Err(fault) = check(&code) {
            prop_assert!(fault.at <= code.len());
        }
    }

    #[test]
    fn nor_does_one_of_its_own_characters(code in "[mgkLsd.(){}/\\[\\]0-9*^+'%_iUHgCel-]{0,30}", other in terms()) {
        if check(&code).is_ok() {
            let _ = convert(1.into(), &code, &other);
            let _ = canonical(1.into(), &code);
            prop_assert_eq!(check(&format!("({code})/m")).is_ok(), !code.starts_with('/'), "{}", code);
        }
    }
}
