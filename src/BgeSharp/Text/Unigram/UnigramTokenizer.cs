// The Unigram tokenizer: one front for two exact routes. FromModel equals SentencePiece 0.1.97, FromTokenizerJson Hugging Face's native
// library 0.23; where those two disagree (ties, character maps, trailing spaces, literals of special tokens) so do the routes.
// Immutable after loading and thread-safe; working memory is per thread.

using BgeSharp.Text.Unigram.Native;

namespace BgeSharp.Text.Unigram;

/// <summary>SentencePiece Unigram tokenizer (XLM-RoBERTa, BGE-M3, T5, ALBERT).</summary>
public sealed partial class UnigramTokenizer : ITokenizer, IAppendsIds
{
    private readonly IUnigramEngine _engine;
    private readonly Template _template;

    private UnigramTokenizer(IUnigramEngine engine, Template template, SpecialTokens special)
    {
        (_engine, _template, Special) = (engine, template, special);
    }

    /// <summary>Loads a SentencePiece .model file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="xlmRoberta">True for XLM-RoBERTa's ids (&lt;s&gt; 0, &lt;pad&gt; 1, &lt;/s&gt; 2, &lt;unk&gt; 3, others one above the file's, &lt;mask&gt; last); false for the ids of the file.</param>
    /// <exception cref="BadInput">The file is missing, damaged or no Unigram model.</exception>
    public static UnigramTokenizer FromModel(string path, bool xlmRoberta)
    {
        BadInput.RequireFile(path, "SentencePiece model");
        return FromModel(FileBytes.Read(path), xlmRoberta, path);
    }

    /// <summary>Loads a SentencePiece model from memory; see <see cref="FromModel(string, bool)"/>.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="xlmRoberta">Whether ids are XLM-RoBERTa's.</param>
    /// <param name="name">Name for error messages.</param>
    public static UnigramTokenizer FromModel(byte[] bytes, bool xlmRoberta, string name)
    {
        var model = SentencePieceModel.Parse(bytes, name);
        var special = xlmRoberta
            ? new SpecialTokens(0, 2, 1, 3, model.Pieces.Count + 1)
            : new SpecialTokens(model.IdOf("<s>"), model.IdOf("</s>"), model.IdOf("<pad>"), model.UnkId, model.IdOf("<mask>"));
        var template = special.Cls >= 0 && special.Sep >= 0 ? Template.Roberta(special.Cls, special.Sep) : Template.None;
        return new UnigramTokenizer(new SentencePieceEngine(model, xlmRoberta, name, bytes), template, special);
    }

    /// <summary>Loads a tokenizer.json (or .json.gz) whose model is Unigram.</summary>
    /// <exception cref="BadInput">The file is missing, damaged, or asks for a step that is not known.</exception>
    public static UnigramTokenizer FromTokenizerJson(string path) => FromJson(TokenizerJson.Read(path));

    /// <summary>Loads a tokenizer.json from memory.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="name">Name for error messages.</param>
    public static UnigramTokenizer FromTokenizerJson(byte[] bytes, string name) => FromJson(TokenizerJson.Parse(bytes, name));

    private static UnigramTokenizer FromJson(TokenizerJson json)
    {
        var engine = new NativeEngine(json);
        foreach (var part in (TemplatePart[])[.. json.Template.Single, .. json.Template.Pair])
        {
            if (Array.Exists(part.Ids, id => id >= engine.VocabularySize))
            {
                throw new BadInput($"{json.File}: post_processor: a special token has an id beyond the {engine.VocabularySize} of the vocabulary.");
            }
        }
        var special = new SpecialTokens(Id("<s>", "[CLS]"), Id("</s>", "[SEP]"), Id("<pad>", "[PAD]"), json.UnkId, Id("<mask>", "[MASK]"));
        return new UnigramTokenizer(engine, json.Template, special);

        int Id(params string[] names)
        {
            foreach (string name in names)
            {
                int id = json.Added.FirstOrDefault(t => t.Content == name)?.Id ?? Array.IndexOf(json.Pieces, name);
                if (id >= 0)
                {
                    return id;
                }
            }
            return -1;
        }
    }

    /// <inheritdoc/>
    public int VocabularySize => _engine.VocabularySize;

    /// <inheritdoc/>
    public SpecialTokens Special { get; }

    /// <inheritdoc/>
    public bool IsSpecial(int id) => Special.Contains(id) || _engine.IsSpecial(id);

    /// <inheritdoc/>
    public string TokenOf(int id) => _engine.TokenOf(id);

    /// <inheritdoc/>
    public bool ContinuesWord(int id) => !Special.Contains(id) && !_engine.TokenOf(id).StartsWith('\u2581');

    /// <inheritdoc/>
    /// <remarks>The .model route decodes as SentencePiece does: an unknown piece becomes " ⁇ ", control pieces vanish.</remarks>
    public string Decode(ReadOnlySpan<int> ids) => _engine.Decode(ids);

    /// <summary>Text as the model sees it: normalised, for the .model route with spaces as U+2581.</summary>
    public string Normalize(string text) => _engine switch
    {
        SentencePieceEngine engine => engine.Normalize(text),
        NativeEngine engine => engine.Normalize(text),
        _ => text,
    };

    /// <inheritdoc/>
    /// <remarks>The route stays what it was: a .model is saved as sentencepiece.bpe.model (with a tokenizer_config.json that says XLM-RoBERTa where it applies), a tokenizer.json as itself.</remarks>
    public void Save(string folder) => _engine.Save(folder);
}
