//! Training curves and screens as PNG pictures.
