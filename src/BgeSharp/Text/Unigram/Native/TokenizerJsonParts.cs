// The parts of tokenizer.json around the model: added tokens, normalizer, pre_tokenizer, post_processor, decoder.

using System.Text;
using System.Text.Json;

namespace BgeSharp.Text.Unigram.Native;

/// <summary>Builders of the pipeline steps.</summary>
internal static class TokenizerJsonParts
{
    /// <summary>Added tokens; one that is a piece has the piece's id, any other the next free one, as the reference numbers them.</summary>
    internal static List<AddedToken> Added(JsonField root, Dictionary<string, int> ids, int vocabularySize)
    {
        var tokens = new List<AddedToken>();
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        int next = vocabularySize;
        foreach (var entry in root.Objects("added_tokens", optional: true))
        {
            string content = entry.Text("content");
            if (content.Length == 0)
            {
                continue;
            }
            if (!ids.TryGetValue(content, out int id) && !known.TryGetValue(content, out id))
            {
                id = next++;
            }
            if (known.ContainsKey(content))
            {
                tokens.RemoveAll(t => t.Content == content);
            }
            known[content] = id;
            bool special = entry.OptionalFlag("special") ?? false;
            tokens.Add(new AddedToken(content, id, special, entry.OptionalFlag("single_word") ?? false, entry.OptionalFlag("lstrip") ?? false,
                entry.OptionalFlag("rstrip") ?? false, entry.OptionalFlag("normalized") ?? !special));
        }
        return tokens;
    }

    internal static List<ITextNormalizer> Normalizers(JsonField? field, string file)
    {
        var steps = new List<ITextNormalizer>();
        if (field is not { } normalizer)
        {
            return steps;
        }
        string type = normalizer.Text("type");
        switch (type)
        {
            case "Sequence":
                foreach (var step in normalizer.Objects("normalizers"))
                {
                    steps.AddRange(Normalizers(step, file));
                }
                break;
            case "Precompiled":
                byte[] map;
                try
                {
                    map = Convert.FromBase64String(normalizer.OptionalText("precompiled_charsmap") ?? "");
                }
                catch (FormatException cause)
                {
                    throw new BadInput($"{file}: {normalizer.Path}precompiled_charsmap is not base64; the file is damaged.", cause);
                }
                steps.Add(new PrecompiledNormalizer(CharsMap.Parse(map, file)));
                break;
            case "Replace":
                var pattern = normalizer.Object("pattern");
                string content = normalizer.Text("content");
                steps.Add(pattern.OptionalText("String") is { } literal
                    ? ReplaceNormalizer.Literal(literal, content)
                    : ReplaceNormalizer.Pattern(pattern.Text("Regex"), content, file));
                break;
            case "Strip":
                steps.Add(new StripNormalizer(normalizer.OptionalFlag("strip_left") ?? true, normalizer.OptionalFlag("strip_right") ?? true));
                break;
            case "Prepend": steps.Add(new PrependNormalizer(normalizer.Text("prepend"))); break;
            case "Lowercase": steps.Add(new LowercaseNormalizer()); break;
            case "StripAccents": steps.Add(new StripAccentsNormalizer()); break;
            case "NFC": steps.Add(new UnicodeFormNormalizer(NormalizationForm.FormC)); break;
            case "NFD": steps.Add(new UnicodeFormNormalizer(NormalizationForm.FormD)); break;
            case "NFKC": steps.Add(new UnicodeFormNormalizer(NormalizationForm.FormKC)); break;
            case "NFKD": steps.Add(new UnicodeFormNormalizer(NormalizationForm.FormKD)); break;
            default: throw Unknown(file, normalizer.Path + "type", type, "Precompiled, Replace, Strip, Prepend, Lowercase, StripAccents, NFC, NFD, NFKC, NFKD or Sequence");
        }
        return steps;
    }

    internal static List<IPreTokenizer> PreTokenizers(JsonField? field, string file)
    {
        var steps = new List<IPreTokenizer>();
        if (field is not { } preTokenizer)
        {
            return steps;
        }
        string type = preTokenizer.Text("type");
        switch (type)
        {
            case "Sequence":
                foreach (var step in preTokenizer.Objects("pretokenizers"))
                {
                    steps.AddRange(PreTokenizers(step, file));
                }
                break;
            case "WhitespaceSplit": steps.Add(new WhitespaceSplit()); break;
            case "Metaspace": steps.Add(new Metaspace(Mark(preTokenizer), Scheme(preTokenizer), preTokenizer.OptionalFlag("split") ?? true)); break;
            default: throw Unknown(file, preTokenizer.Path + "type", type, "Metaspace, WhitespaceSplit or Sequence");
        }
        return steps;
    }

    internal static Template? PostProcessor(JsonField? field, string file)
    {
        if (field is not { } processor)
        {
            return null;
        }
        string type = processor.Text("type");
        switch (type)
        {
            case "TemplateProcessing":
                var special = processor.OptionalObject("special_tokens");
                return new Template(Parts(processor, "single", special), Parts(processor, "pair", special));
            case "RobertaProcessing": return Template.Roberta(SpecialId(processor, "cls"), SpecialId(processor, "sep"));
            case "BertProcessing": return Template.Bert(SpecialId(processor, "cls"), SpecialId(processor, "sep"));
            case "Sequence":
                Template? last = null;
                foreach (var step in processor.Objects("processors"))
                {
                    last = PostProcessor(step, file) is { } next ? last is null ? next
                        : throw new BadInput($"{file}: {step.Path}type: two templates in a row are not supported.") : last;
                }
                return last;
            default: throw Unknown(file, processor.Path + "type", type, "TemplateProcessing, RobertaProcessing, BertProcessing or Sequence");
        }
    }

    internal static List<TokenDecoder> Decoders(JsonField decoder, string file)
    {
        string type = decoder.Text("type");
        switch (type)
        {
            case "Sequence":
                var steps = new List<TokenDecoder>();
                foreach (var step in decoder.Objects("decoders"))
                {
                    steps.AddRange(Decoders(step, file));
                }
                return steps;
            case "Metaspace": return [TokenDecoders.Metaspace(Mark(decoder), Scheme(decoder) != PrependScheme.Never)];
            case "Replace": return [TokenDecoders.Replace(decoder.Object("pattern").Text("String"), decoder.Text("content"))];
            case "Fuse": return [TokenDecoders.Fuse];
            case "ByteFallback": return [TokenDecoders.ByteFallback];
            case "Strip" when decoder.Text("content") is [var content]:
                return [TokenDecoders.Strip(content, decoder.OptionalInt("start") ?? 0, decoder.OptionalInt("stop") ?? 0)];
            default: throw Unknown(file, decoder.Path + "type", type, "Metaspace, Replace, Fuse, ByteFallback, Strip or Sequence");
        }
    }

    private static char Mark(JsonField field) => (field.OptionalText("replacement") ?? "\u2581") is [var mark]
        ? mark
        : throw field.Missing("replacement", "one character");

    private static PrependScheme Scheme(JsonField field)
    {
        string? scheme = field.OptionalText("prepend_scheme");
        if (scheme is null)
        {
            return field.OptionalFlag("add_prefix_space") ?? true ? PrependScheme.Always : PrependScheme.Never; // files older than the scheme
        }
        return scheme switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw field.Missing("prepend_scheme", "\"always\", \"first\" or \"never\""),
        };
    }

    private static TemplatePart[] Parts(JsonField processor, string name, JsonField? special)
    {
        var parts = new List<TemplatePart>();
        foreach (var part in processor.Objects(name))
        {
            if (part.OptionalObject("Sequence") is { } sequence)
            {
                int index = sequence.Text("id") switch { "A" => 0, "B" => 1, _ => throw sequence.Missing("id", "\"A\" or \"B\"") };
                parts.Add(new TemplatePart(index, [], sequence.OptionalInt("type_id") ?? 0));
                continue;
            }
            var token = part.Object("SpecialToken");
            string id = token.Text("id");
            var definition = (special ?? throw processor.Missing("special_tokens", "an object")).Object(id);
            var ids = new List<int>();
            foreach (var value in definition.Array("ids"))
            {
                ids.Add(value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0
                    ? number
                    : throw definition.Missing("ids", "a list of ids"));
            }
            parts.Add(new TemplatePart(-1, [.. ids], token.OptionalInt("type_id") ?? 0));
        }
        int texts = name == "single" ? 1 : 2;
        return parts.Count(p => p.Sequence >= 0) == texts && parts.Exists(p => p.Sequence == texts - 1)
            ? [.. parts]
            : throw processor.Missing(name, $"a template with {texts} text(s)");
    }

    private static int SpecialId(JsonField processor, string name)
    {
        foreach (var value in processor.Array(name))
        {
            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0)
            {
                return id;
            }
        }
        throw processor.Missing(name, "[token, id]");
    }

    private static BadInput Unknown(string file, string field, string type, string known) => new($"{file}: {field} is \"{type}\"; known here are {known}.");
}
