//! The program understands the environment that its template gives it.

#[tokio::test]
async fn it_starts_with_it_and_not_without_one_of_its_tables() {
    testbed::starts_as_its_template_says("shopping", env!("CARGO_BIN_EXE_shopping"), "/products").await;
}
