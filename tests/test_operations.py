def test_create_answers_the_record_and_where_it_is(api):
    answer = api.post({"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"})
    assert answer.headers["Location"] == f"/v1/clients/{answer.json['data']['id']}"


def test_serve(start):
    server = start()
    assert server.key
