//! The machine, as far as figures depend on it.

/// Say what else may have had a hand in the figures.
pub fn describe() {
    let cores = std::thread::available_parallelism().unwrap();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap();
    println!("{cores} cores, shared by load, Hilum and third party. Load average before: {load}.");
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
