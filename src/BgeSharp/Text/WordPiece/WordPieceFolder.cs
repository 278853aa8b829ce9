// A model folder's WordPiece tokenizer: tokenizer.json when there is one, else vocab.txt; tokenizer_config.json and special_tokens_map.json have the
// last word on the switches and names that they mention. Saving writes all of them, each whole or not at all.

using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BgeSharp.Text;

/// <summary>Loads and saves the files of a folder.</summary>
internal static class WordPieceFolder
{
    private static readonly JsonWriterOptions Plain = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>From vocab.txt and the configuration beside it.</summary>
    public static WordPieceTokenizer FromVocabulary(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        JsonFields config = Config(folder), map = Map(folder);
        WordPieceVocabulary read = VocabularyFile.Read(path, Switches(new(), config), Names(new(), config, map));
        return new(WithAdded(read, config));
    }

    /// <summary>From tokenizer.json and the configuration beside it.</summary>
    public static WordPieceTokenizer FromTokenizerJson(JsonFields file)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(file.File))!;
        JsonFields config = Config(folder), map = Map(folder);
        WordPieceVocabulary read = WordPieceJson.Read(file);
        SpecialTokenNames names = Names(read.Names, config, map);
        // The template and the model say which tokens are put around a text and stand for the unknown; the configuration only names the others.
        names = file.Object("post_processor") is null ? names with { Unk = read.Names.Unk } : read.Names with { Pad = names.Pad, Mask = names.Mask };
        return new(WithAdded(read with { Normalizer = Switches(read.Normalizer, config), Names = names }, config));
    }

    /// <summary>Writes tokenizer.json, vocab.txt, tokenizer_config.json and special_tokens_map.json.</summary>
    public static void Save(string folder, WordPieceVocabulary vocabulary, SpecialTokens special)
    {
        FileSystem.Current.CreateFolder(folder);
        // vocab.txt cannot hold a piece with a line end; tokenizer.json can, and is read first.
        if (!vocabulary.Pieces.Any(piece => piece is not null && (piece.Contains('\n', StringComparison.Ordinal) || piece.TrimEnd() != piece)))
        {
            WholeFile.Write(Path.Combine(folder, "vocab.txt"), stream =>
            {
                foreach (string? piece in vocabulary.Pieces)
                {
                    stream.Write(Encoding.UTF8.GetBytes(piece ?? ""));
                    stream.WriteByte((byte)'\n');
                }
            });
        }
        WriteJson(Path.Combine(folder, "special_tokens_map.json"), json => WriteNames(json, vocabulary.Names));
        WriteJson(Path.Combine(folder, "tokenizer_config.json"), json => WriteConfig(json, vocabulary));
        WriteJson(Path.Combine(folder, "tokenizer.json"), json => WordPieceJsonWriter.Write(json, vocabulary, special));
    }

    private static JsonFields Config(string folder) => JsonFields.ReadOrEmpty(Path.Combine(folder, "tokenizer_config.json"));

    private static JsonFields Map(string folder) => JsonFields.ReadOrEmpty(Path.Combine(folder, "special_tokens_map.json"));

    private static BertNormalizerOptions Switches(BertNormalizerOptions given, JsonFields config) => given with
    {
        Lowercase = config.Flag("do_lower_case") ?? given.Lowercase,
        // An explicit null is a value here: accents follow lower-casing.
        StripAccents = config.Element.TryGetProperty("strip_accents", out _) ? config.Flag("strip_accents") : given.StripAccents,
        HandleChineseChars = config.Flag("tokenize_chinese_chars") ?? given.HandleChineseChars,
    };

    private static SpecialTokenNames Names(SpecialTokenNames given, JsonFields config, JsonFields map)
    {
        string Name(string field, string otherwise) => NameIn(config, field) ?? NameIn(map, field) ?? otherwise;
        return new(Name("cls_token", given.Cls), Name("sep_token", given.Sep), Name("pad_token", given.Pad), Name("unk_token", given.Unk), Name("mask_token", given.Mask));
    }

    // A name is a text or, in older files, an object with the text in "content".
    private static string? NameIn(JsonFields file, string field) => file.Get(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? file.Object(field)!.Value.Text("content") : file.TextOf(field, value);

    // Tokens that only tokenizer_config.json knows; their pieces are appended where the vocabulary ends before them.
    private static WordPieceVocabulary WithAdded(WordPieceVocabulary vocabulary, JsonFields config)
    {
        if (config.Object("added_tokens_decoder") is not { } decoder)
        {
            return vocabulary;
        }
        var added = vocabulary.Added.ToList();
        var pieces = vocabulary.Pieces.ToList();
        foreach (JsonProperty entry in decoder.Element.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, out int id) || id < 0 || id > pieces.Count + 10_000)
            {
                throw new BadInput($"{decoder.File}: \"added_tokens_decoder\" has the id \"{entry.Name}\", a number near the {pieces.Count} of the vocabulary is needed.");
            }
            AddedToken token = WordPieceJson.ReadAdded(decoder.Object(entry.Name) ?? throw decoder.Wrong(entry.Name, entry.Value, "an object"), id);
            while (pieces.Count <= id)
            {
                pieces.Add(null);
            }
            if (pieces[id] is { } other && other != token.Content)
            {
                throw new BadInput($"{decoder.File}: \"added_tokens_decoder\" gives id {id} to \"{token.Content}\", the vocabulary gives it to \"{other}\".");
            }
            pieces[id] = token.Content;
            if (added.All(known => known.Content != token.Content))
            {
                added.Add(token);
            }
        }
        return vocabulary with { Added = added, Pieces = [.. pieces] };
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> write) => WholeFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream, Plain);
        write(json);
    });

    private static void WriteConfig(Utf8JsonWriter json, WordPieceVocabulary vocabulary)
    {
        json.WriteStartObject();
        json.WriteString("tokenizer_class", "BertTokenizer");
        json.WriteBoolean("do_lower_case", vocabulary.Normalizer.Lowercase);
        if (vocabulary.Normalizer.StripAccents is { } strip)
        {
            json.WriteBoolean("strip_accents", strip);
        }
        else
        {
            json.WriteNull("strip_accents");
        }
        json.WriteBoolean("tokenize_chinese_chars", vocabulary.Normalizer.HandleChineseChars);
        WriteNameFields(json, vocabulary.Names);
        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, SpecialTokenNames names)
    {
        json.WriteStartObject();
        WriteNameFields(json, names);
        json.WriteEndObject();
    }

    private static void WriteNameFields(Utf8JsonWriter json, SpecialTokenNames names)
    {
        json.WriteString("cls_token", names.Cls);
        json.WriteString("sep_token", names.Sep);
        json.WriteString("pad_token", names.Pad);
        json.WriteString("unk_token", names.Unk);
        json.WriteString("mask_token", names.Mask);
    }
}
