// From the texts of a request to their embeddings: prompt, tokens, limits, queue. What all endpoints share.

using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Server.Batching;
using BgeSharp.Server.Http;
using Microsoft.AspNetCore.Http;

namespace BgeSharp.Server.Endpoints;

/// <summary>Encodes the texts of requests.</summary>
internal sealed class TextRequests(ServedModel model, ServerOptions options, EncodingQueue queue)
{
    /// <summary>Reads <paramref name="field"/> and the options <c>truncate</c>, <c>prompt_name</c> and <c>dimensions</c>, and encodes.</summary>
    /// <returns>One embedding a text, and the number of tokens they took.</returns>
    /// <exception cref="Refusal">A field is wrong, or there is no room.</exception>
    public async Task<(M3Embedding[] Embeddings, long Tokens)> EncodeAsync(JsonRequest request, string field, CancellationToken cancellation)
    {
        List<string> texts = request.Texts(field, options.MaxTexts);
        string? name = request.OptionalString("prompt_name");
        Prompt prompt = model.PromptOf(name)
            ?? throw Refusal.Field422("prompt_name", $"is \"{name}\"; this model has {string.Join(", ", ServedModel.PromptNames)}.");
        int whole = model.Encoder.Dimension;
        int dimension = request.OptionalNumber("dimensions", 1, int.MaxValue) ?? whole;
        if (dimension > whole)
        {
            throw Refusal.Field422("dimensions", string.Create(CultureInfo.InvariantCulture, $"is {dimension}; the vectors of this model have {whole} and can only be shortened."));
        }
        (M3Embedding[] embeddings, long tokens) = await EncodeAsync(texts, prompt, request.OptionalBoolean("truncate") ?? options.Truncate, field, cancellation);
        return (dimension == whole ? embeddings : Array.ConvertAll(embeddings, e => e with { Dense = ShortenedEncoder.Shorten(e.Dense, dimension) }), tokens);
    }

    /// <summary>Encodes texts.</summary>
    public async Task<(M3Embedding[] Embeddings, long Tokens)> EncodeAsync(IReadOnlyList<string> texts, Prompt prompt, bool truncate, string field, CancellationToken cancellation)
    {
        var ids = new int[texts.Count][];
        long tokens = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            ids[i] = model.Tokenizer.EncodeWithSpecial(prompt.Prefix + texts[i], truncate ? prompt.MaxLength : int.MaxValue);
            if (ids[i].Length > prompt.MaxLength)
            {
                string place = texts.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]") : field;
                throw Refusal.TooLarge(string.Create(CultureInfo.InvariantCulture,
                    $"\"{place}\" has {ids[i].Length} tokens and the limit is {prompt.MaxLength}; shorten it, or send \"truncate\": true to have its end cut off."), place);
            }
            tokens += ids[i].Length;
            if (tokens > queue.Capacity)
            {
                throw Refusal.TooLarge(string.Create(CultureInfo.InvariantCulture, $"the texts have more than {queue.Capacity} tokens in all; send them in several requests."), field);
            }
        }
        Task<M3Embedding[]> embeddings = queue.TryEncode(ids, cancellation)
            ?? throw (queue.Closed
                ? new Refusal(StatusCodes.Status503ServiceUnavailable, "the server is stopping.")
                : Refusal.Busy("too many texts wait already; try again later."));
        return (await embeddings, tokens);
    }
}
