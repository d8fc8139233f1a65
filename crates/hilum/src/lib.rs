//! hilum
