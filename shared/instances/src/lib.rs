//! Data: the table of SageMaker's instance types, with a date.
//!
//! The script `generate.py` writes the table from AWS's API model and from EC2's description of its types. The policy and
//! the model of SageMaker in the tests read it independently of each other.

/// The table. Lines that begin with `#` explain the columns.
pub const TABLE: &str = include_str!("../instances.txt");

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn every_row_has_six_columns_and_the_names_are_sorted() {
        let rows: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(rows.len() > 300, "only {} rows", rows.len());
        assert!(rows.iter().all(|row| row.split(' ').count() == 6), "a row without six columns");
        assert!(rows.is_sorted(), "the names are not sorted");
    }
}
