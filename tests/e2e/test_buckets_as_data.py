"""Commands on data in a bucket."""

import buckets

from .conftest import runner


def test_a_run_on_data_in_a_bucket_is_cached_until_it_changes(small_tree, s3):
    address = f"s3://bucket/{small_tree.parent.name}/sales.csv"

    def put(more):
        rows = [f"{30 + row},{('Bern', 'Chur')[row * 7 % 3 % 2]},{1000.5 * row + more}" for row in range(600)]
        buckets.write(address, "\n".join(["area,city,price", *rows, ""]).encode())

    put(30)
    root = ("--root", small_tree / "runs")
    proposal = runner(*root, "new", "sales", address, "--label", "price", tree=small_tree)
    assert proposal.code == 0, proposal.err
    assert f'path = "{address}"' in (small_tree / "configs/sales.toml").read_text()
    assert runner(*root, "schema", "diff", "sales", tree=small_tree).code == 0
    doctor = runner(*root, "doctor", "sales", tree=small_tree)
    assert doctor.code == 0, doctor.out
    assert "1 objects, 0 of them copied now" in doctor.out

    run = ("--local", *root, "--pipeline", "sales", "--to", "statistics")
    first_run = runner(*run, tree=small_tree)
    assert first_run.code == 0, first_run.err
    assert first_run.nodes["ingestion"] == "done"
    assert runner(*run, tree=small_tree).nodes["ingestion"] == "cached"
    put(31)
    changed = runner(*run, tree=small_tree)
    assert changed.nodes["ingestion"] == "done"
