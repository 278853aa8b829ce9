using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using BgeSharp.Embeddings;

namespace BgeSharp.Server.Tests.Endpoints;

public class OpenAiEmbeddingsTests
{
    [Fact]
    public async Task One_text_gives_the_shape_that_OpenAI_s_clients_read()
    {
        await using TestServer server = await TestServer.StartAsync();
        var (status, answer) = await server.PostAsync("/v1/embeddings", """{"input": "abc", "model": "text-embedding-3-small", "user": "u"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("list", answer.GetProperty("object").GetString());
        JsonElement item = Assert.Single(answer.GetProperty("data").EnumerateArray());
        Assert.Equal("embedding", item.GetProperty("object").GetString());
        Assert.Equal(0, item.GetProperty("index").GetInt32());
        Assert.Equal(FakeEncoder.VectorOf("abc"), TestServer.Vector(item.GetProperty("embedding")));
        Assert.Equal("fake", answer.GetProperty("model").GetString());
        Assert.Equal(5, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt64());
        Assert.Equal(5, answer.GetProperty("usage").GetProperty("total_tokens").GetInt64());
    }

    [Fact]
    public async Task Several_texts_come_back_in_their_order_as_numbers_and_as_base64_alike()
    {
        await using TestServer server = await TestServer.StartAsync();
        string[] texts = ["c", "aaaaaaaa", "乙", "b\n\"quoted\"", "c"];
        string input = JsonSerializer.Serialize(texts);
        var (_, numbers) = await server.PostAsync("/v1/embeddings", $$"""{"input": {{input}}, "encoding_format": "float"}""");
        var (_, base64) = await server.PostAsync("/v1/embeddings", $$"""{"input": {{input}}, "encoding_format": "base64"}""");
        for (int i = 0; i < texts.Length; i++)
        {
            float[] expected = FakeEncoder.VectorOf(texts[i]);
            Assert.Equal(i, numbers.GetProperty("data")[i].GetProperty("index").GetInt32());
            Assert.Equal(expected, TestServer.Vector(numbers.GetProperty("data")[i].GetProperty("embedding")));
            Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(base64.GetProperty("data")[i].GetProperty("embedding").GetBytesFromBase64()).ToArray());
        }
    }

    [Fact]
    public async Task Shorter_vectors_are_the_first_numbers_at_unit_length()
    {
        await using TestServer server = await TestServer.StartAsync();
        float[] whole = FakeEncoder.VectorOf("abc"), expected = ShortenedEncoder.Shorten(whole, 2);
        foreach ((string body, int numbers) in ((string, int)[])[("""{"input": "abc", "dimensions": 2}""", 2), ("""{"input": "abc", "dimensions": 3}""", 3)])
        {
            var (status, answer) = await server.PostAsync("/v1/embeddings", body);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Equal(numbers == 2 ? expected : whole, TestServer.Vector(answer.GetProperty("data")[0].GetProperty("embedding")));
        }
        var (_, bare) = await server.PostAsync("/embed", """{"inputs": ["abc"], "dimensions": 2}""");
        Assert.Equal(expected, TestServer.Vector(bare[0]));
        Assert.Equal(1, expected.Sum(v => (double)v * v), 1e-6);
    }

    [Fact]
    public async Task Requests_at_the_same_time_get_the_vectors_they_would_get_alone()
    {
        await using TestServer server = await TestServer.StartAsync();
        string[] texts = [.. Enumerable.Range(0, 60).Select(i => new string((char)('a' + (i % 26)), 1 + (i % 17)))];
        var answers = await Task.WhenAll(texts.Select(text => server.PostAsync("/v1/embeddings", JsonSerializer.Serialize(new { input = new[] { text, "x" + text } }))));
        for (int i = 0; i < texts.Length; i++)
        {
            JsonElement data = answers[i].Answer.GetProperty("data");
            Assert.Equal(FakeEncoder.VectorOf(texts[i]), TestServer.Vector(data[0].GetProperty("embedding")));
            Assert.Equal(FakeEncoder.VectorOf("x" + texts[i]), TestServer.Vector(data[1].GetProperty("embedding")));
        }
    }

    [Theory]
    [InlineData("""{}""", 422, "input", "\"input\" is missing")]
    [InlineData("""{"input": null}""", 422, "input", "\"input\" is missing")]
    [InlineData("""{"input": []}""", 422, "input", "empty array")]
    [InlineData("""{"input": ""}""", 422, "input", "is empty")]
    [InlineData("""{"input": ["a", ""]}""", 422, "input[1]", "is empty")]
    [InlineData("""{"input": 7}""", 422, "input", "is a number")]
    [InlineData("""{"input": [5, 6]}""", 422, "input[0]", "no token ids")]
    [InlineData("""{"input": ["a", {"text": "b"}]}""", 422, "input[1]", "is an object")]
    [InlineData("""{"input": "a", "encoding_format": "hex"}""", 422, "encoding_format", "float or base64")]
    [InlineData("""{"input": "a", "dimensions": 4}""", 422, "dimensions", "have 3 and can only be shortened")]
    [InlineData("""{"input": "a", "dimensions": 0}""", 422, "dimensions", "whole number")]
    [InlineData("""{"input": "a", "dimensions": "3"}""", 422, "dimensions", "whole number")]
    [InlineData("""{"input": "a", "prompt_name": "poem"}""", 422, "prompt_name", "passage, document, query")]
    [InlineData("""{"input": "a", "truncate": 1}""", 422, "truncate", "true or false")]
    [InlineData("""{"input": "\ud800"}""", 422, "input", "not valid Unicode")]
    [InlineData("""["a"]""", 422, null, "the body is an array")]
    [InlineData("""{"input": "a" """, 400, null, "not valid JSON (line 1")]
    [InlineData("", 400, null, "not valid JSON")]
    public async Task A_wrong_request_is_answered_with_one_sentence_that_names_the_field(string body, int status, string? field, string sentence)
    {
        await using TestServer server = await TestServer.StartAsync();
        var (actual, answer) = await server.PostAsync("/v1/embeddings", body);
        Assert.Equal(status, (int)actual);
        JsonElement error = answer.GetProperty("error");
        Assert.Contains(sentence, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(field, error.GetProperty("param").GetString());
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Empty(server.Encoder.Batches);
        Assert.Empty(server.Faults);
    }

    [Fact]
    public async Task The_list_of_models_has_the_one_that_is_served()
    {
        await using TestServer server = await TestServer.StartAsync();
        var (_, answer) = await server.GetAsync("/v1/models");
        Assert.Equal("fake", Assert.Single(answer.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
    }
}
