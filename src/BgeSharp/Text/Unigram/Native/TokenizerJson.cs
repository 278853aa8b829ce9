// tokenizer.json of a Unigram model as records. What the tokenizer cannot do exactly is refused by name, never skipped.

using System.Runtime.InteropServices;
using System.Text.Json;

namespace BgeSharp.Text.Unigram.Native;

/// <summary>A parsed tokenizer.json.</summary>
internal sealed record TokenizerJson
{
    /// <summary>Name for error messages.</summary>
    internal required string File { get; init; }

    /// <summary>The file as it was read, unfolded.</summary>
    internal required byte[] OriginalFile { get; init; }

    /// <summary>Pieces in id order.</summary>
    internal required string[] Pieces { get; init; }

    /// <summary>Their scores.</summary>
    internal required double[] Scores { get; init; }

    /// <summary>Id of the unknown piece.</summary>
    internal required int UnkId { get; init; }

    /// <summary>Unknown characters become bytes.</summary>
    internal required bool ByteFallback { get; init; }

    /// <summary>Added tokens with the ids they really have.</summary>
    internal required IReadOnlyList<AddedToken> Added { get; init; }

    /// <summary>Normalisers in order.</summary>
    internal required IReadOnlyList<ITextNormalizer> Normalizers { get; init; }

    /// <summary>Pre-tokenizers in order.</summary>
    internal required IReadOnlyList<IPreTokenizer> PreTokenizers { get; init; }

    /// <summary>Special tokens around texts.</summary>
    internal required Template Template { get; init; }

    /// <summary>Decoders in order; null when the file has none.</summary>
    internal required IReadOnlyList<TokenDecoder>? Decoders { get; init; }

    /// <summary>Reads a file, gzipped when its name ends in .gz.</summary>
    internal static TokenizerJson Read(string path)
    {
        BadInput.RequireFile(path, "tokenizer.json");
        return Parse(FileBytes.Read(path), path);
    }

    /// <summary>Reads from memory.</summary>
    internal static TokenizerJson Parse(byte[] bytes, string file)
    {
        try
        {
            var utf8 = bytes.AsMemory();
            if (utf8.Span.StartsWith("\uFEFF"u8))
            {
                utf8 = utf8[3..];
            }
            using var document = JsonDocument.Parse(utf8);
            return Parse(document.RootElement, bytes, file);
        }
        catch (JsonException cause)
        {
            throw BadInput.At(file, (cause.LineNumber ?? 0) + 1, $"no valid JSON: {cause.Message}");
        }
        catch (InvalidOperationException cause) // a string with half a surrogate pair
        {
            throw new BadInput($"{file}: a value has the wrong type or is no valid text: {cause.Message}", cause);
        }
    }

    private static TokenizerJson Parse(JsonElement root, byte[] bytes, string file)
    {
        var model = new JsonField(root, "", file).Object("model");
        if (model.OptionalText("type") is { } type && type != "Unigram")
        {
            throw new BadInput($"{file}: model.type is \"{type}\"; this reader takes \"Unigram\".");
        }
        var (pieces, scores) = Vocabulary(model, file);
        int unk = model.OptionalInt("unk_id") ?? throw new BadInput($"{file}: model.unk_id is missing; a Unigram model needs an unknown piece.");
        if (unk < 0 || unk >= pieces.Length)
        {
            throw new BadInput($"{file}: model.unk_id is {unk}; ids go from 0 to {pieces.Length - 1}.");
        }
        var all = new JsonField(root, "", file);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Length; id++)
        {
            ids[pieces[id]] = id;
        }
        var added = TokenizerJsonParts.Added(all, ids, pieces.Length);
        return new TokenizerJson
        {
            File = file,
            OriginalFile = bytes,
            Pieces = pieces,
            Scores = scores,
            UnkId = unk,
            ByteFallback = model.OptionalFlag("byte_fallback") ?? false,
            Added = added,
            Normalizers = TokenizerJsonParts.Normalizers(all.OptionalObject("normalizer"), file),
            PreTokenizers = TokenizerJsonParts.PreTokenizers(all.OptionalObject("pre_tokenizer"), file),
            Template = TokenizerJsonParts.PostProcessor(all.OptionalObject("post_processor"), file) ?? Template.None,
            Decoders = all.OptionalObject("decoder") is { } decoder ? TokenizerJsonParts.Decoders(decoder, file) : null,
        };
    }

    private static (string[] Pieces, double[] Scores) Vocabulary(JsonField model, string file)
    {
        var entries = model.Array("vocab");
        var pieces = new List<string>();
        var scores = new List<double>();
        foreach (var entry in entries)
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[0].ValueKind != JsonValueKind.String
                || entry[1].ValueKind != JsonValueKind.Number || !double.IsFinite(NativeNumber.Parse(JsonMarshal.GetRawUtf8Value(entry[1]))))
            {
                throw new BadInput($"{file}: model.vocab[{pieces.Count}] is not [piece, score]; the file is damaged or of another model type.");
            }
            pieces.Add(entry[0].GetString()!);
            scores.Add(NativeNumber.Parse(JsonMarshal.GetRawUtf8Value(entry[1])));
        }
        return ([.. pieces], [.. scores]);
    }
}
