//! Installed packages: `deps`, and what their nodes do.

use crate::project::Project;

/// A project with a package in a folder of its own.
fn project() -> Project {
    Project::new()
        .file("packages.yml", "packages: [{local: shared}]")
        .file("shared/dbt_project.yml", "name: shared\nvars: {last: 2}\nmodels: {shared: {+schema: common}}\n")
        .file("shared/macros/m.sql", "{% macro double(x) %}{{ x }} * 2{% endmacro %}{% macro one() %}1{% endmacro %}")
        .file("shared/macros/t.sql", "{% test below(model, most) %}select * from {{ model }} where id > {{ most }}{% endtest %}")
        .file("shared/models/days.sql", "select unnest(range(1, {{ var('last') }} + 1)) as id")
        .file("shared/seeds/names.csv", "id,name\n1,a\n2,b\n")
        .model("orders.sql", "select id, {{ shared.double('id') }} as twice, name from {{ ref('days') }} join {{ ref('shared', 'names') }} using (id)")
        .file("models/schema.yml", "models: [{name: orders, data_tests: [{shared.below: {arguments: {most: 2}}}]}]")
}

#[test]
fn a_package_is_installed_and_built() {
    let project = project();
    project.run(["build"]).refused().says("run `headwater deps`");
    project.run(["deps"]).success().says("Installing shared").says("Installed from <local @ shared>");
    project.run(["build"]).success().says("PASS=4");
    assert_eq!(
        project.rows("select twice, name from {{ ref('orders') }} order by 1"),
        "twice,name\n2,a\n4,b\n"
    );
    assert!(project.exists("lake/common/days"));
    project.run(["build"]).success().says("REUSED=4");
    project.write("shared/models/days.sql", "select 1 as id");
    project.run(["build"]).success().says_nothing_of("REUSED=4");
    assert_eq!(project.rows("select count(*) as n from {{ ref('orders') }}"), "n\n1\n");
}

#[test]
fn nodes_of_a_package_are_listed_by_its_name() {
    let project = project();
    project.run(["deps"]).success();
    let listed = project.run(["list", "-s", "package:shared"]).success();
    assert_eq!(listed.stdout, "shared.days\nshared.names\n");
    let paths = project.run(["list", "-s", "shared", "--output", "path"]).success();
    assert_eq!(paths.stdout, "models/days.sql\nseeds/names.csv\n");
    let own = project.run(["list", "-s", "package:this", "--resource-type", "model"]).success();
    assert_eq!(own.stdout, "shop.orders\n");
}

#[test]
fn nothing_but_packages_is_removed() {
    for (path, why) in [
        ("..", "it isn't a folder inside the project"),
        (".", "it isn't a folder inside the project"),
        ("models", "isn't a package"),
        ("lake", "isn't a package"),
    ] {
        let project = project();
        project.write("lake/main/t/file", "rows");
        let settings = project.read("project.yml");
        project.write("project.yml", format!("{settings}\npackages-install-path: {path}\n"));
        let before = project.files(".");
        project.run(["deps"]).refused().says("packages can't be installed in").says(why);
        assert_eq!(project.files("."), before, "{path}");
    }
    let project = project();
    let settings = project.read("project.yml");
    project.write("project.yml", format!("{settings}\npackages-install-path: all\n"));
    project.write("all/shared/dbt_project.yml", "name: shared\n");
    project.write("all/.headwater-installed", "shared");
    project.write("packages.yml", "packages: [{local: all/shared}]");
    project.run(["deps"]).refused().says("is inside the folder where packages are installed");
    assert!(project.exists("all/shared/dbt_project.yml"));
}
