def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write what is printed into the pages")
