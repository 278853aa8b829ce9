// Learns a Unigram vocabulary from text (Kudo 2018): many candidates, then EM and pruning in turns until the wanted size is near.
// The text is read twice and never held whole. The same text and options give the same vocabulary on any machine and thread count.
// 5 MB take about 8 s of one processor and 0.3 GB; 32 Mi characters, the most that are held, 2 minutes and 1.3 GB.

using System.IO.Compression;
using System.Text;

namespace BgeSharp.Text.Unigram.Training;

/// <summary>Trains Unigram vocabularies.</summary>
public static class UnigramTrainer
{
    /// <summary>Pruning by loss stops at this much more than the wanted size; the rest goes by score. More of it gives fewer tokens a character (0.4 % from 1.1 to 1.25) and a slightly lower likelihood.</summary>
    private const double Reserve = 1.25;

    /// <summary>Learns a vocabulary.</summary>
    /// <param name="lines">The text, a line an item; enumerated twice and must give the same lines both times.</param>
    /// <param name="options">Size, coverage and so on.</param>
    /// <param name="progress">One sentence a step; null for none.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>A model in SentencePiece's order: unknown, &lt;s&gt;, &lt;/s&gt;, byte pieces, then pieces by falling score. Write it with <see cref="UnigramVocabularyFiles"/>.</returns>
    /// <exception cref="BadInput">An option is out of range, the text is empty, or its characters alone do not fit into the size.</exception>
    public static SentencePieceModel Train(IEnumerable<string> lines, UnigramTrainerOptions options, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var spec = options.Normalize ? new NormalizerSpec { Name = "nmt_nfkc", CharsMap = NmtNfkc() } : new NormalizerSpec();
        var text = new TrainingText(options, spec);
        var characters = text.CountCharacters(lines);
        int wanted = options.Size - 3 - (options.ByteFallback ? 256 : 0);
        if (characters.Count == 0)
        {
            throw new BadInput("Unigram training: the text has no characters; nothing was written.");
        }
        if (characters.Count > wanted)
        {
            throw new BadInput($"Unigram training: {characters.Count} characters need a piece each, but the size leaves {wanted}; raise it (--size; in a recipe tokenizer.size), or train by \"bge tokenizer train\" with a lower --character-coverage than {options.CharacterCoverage} and name its folder in tokenizer.from; nothing was written.");
        }
        progress?.Report($"{text.Lines} lines, {text.Characters} characters, {characters.Count} of them different");
        var corpus = text.Fold(lines, characters);
        cancellation.ThrowIfCancellationRequested();

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Threads == 0 ? Environment.ProcessorCount : options.Threads, CancellationToken = cancellation };
        var pieces = Seeds(corpus, characters, options, parallel);
        progress?.Report($"{corpus.Count} distinct runs, {pieces.Alive} candidates");
        var learner = new ExpectationMaximization(corpus, parallel);
        int enough = (int)(wanted * Reserve);
        while (true)
        {
            for (int i = 0; i < options.SubIterations; i++)
            {
                pieces = learner.Iterate(pieces);
            }
            progress?.Report(FormattableString.Invariant($"{pieces.Alive} pieces, {learner.Objective:F4} nats a run"));
            if (pieces.Alive <= enough)
            {
                break;
            }
            int before = pieces.Alive;
            pieces = learner.Prune(pieces, Math.Max(enough, (int)(pieces.Alive * options.ShrinkingFactor)));
            if (pieces.Alive == before)
            {
                break; // single characters only
            }
        }
        pieces = pieces.Best(wanted);
        pieces = learner.Iterate(pieces, keepAll: true); // scores of the final set
        return Model(pieces, options, spec);
    }

    /// <summary>The lines of text files, one after the other; gzipped where the name ends in .gz.</summary>
    /// <exception cref="BadInput">A file is missing.</exception>
    public static IEnumerable<string> LinesOf(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (string path in paths)
        {
            BadInput.RequireFile(path, "training text");
            using Stream file = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : File.OpenRead(path);
            using var reader = new StreamReader(file, Encoding.UTF8);
            while (reader.ReadLine() is { } line)
            {
                yield return line;
            }
        }
    }

    private static PieceSet Seeds(RunCorpus corpus, Dictionary<Rune, long> characters, UnigramTrainerOptions options, ParallelOptions parallel)
    {
        var texts = new List<string>();
        var weights = new List<double>();
        foreach (var (rune, count) in characters.OrderByDescending(c => c.Value).ThenBy(c => c.Key))
        {
            texts.Add(rune.ToString());
            weights.Add(count);
        }
        foreach (var (piece, count) in SeedPieces.Find(corpus, options.MaxPieceLength, options.SeedSize, parallel))
        {
            texts.Add(piece);
            weights.Add((double)count * piece.EnumerateRunes().Count());
        }
        double logTotal = Math.Log(weights.Sum());
        return new PieceSet([.. texts], [.. weights.Select(w => Math.Log(w) - logTotal)]);
    }

    private static SentencePieceModel Model(PieceSet pieces, UnigramTrainerOptions options, NormalizerSpec spec)
    {
        var all = new List<SentencePiece> { new("<unk>", 0, PieceType.Unknown), new("<s>", 0, PieceType.Control), new("</s>", 0, PieceType.Control) };
        for (int b = 0; options.ByteFallback && b < 256; b++)
        {
            all.Add(new SentencePiece(SentencePieceModel.BytePiece(b), 0, PieceType.Byte));
        }
        all.AddRange(pieces.ByScore().Select(i => new SentencePiece(pieces.Texts[i], (float)pieces.Scores[i])));
        return new SentencePieceModel
        {
            Pieces = all,
            Normalizer = spec,
            ByteFallback = options.ByteFallback,
            CharacterCoverage = (float)options.CharacterCoverage,
        };
    }

    /// <summary>SentencePiece's character map of that name; see Resources/NOTICE.</summary>
    private static byte[] NmtNfkc()
    {
        using var resource = typeof(UnigramTrainer).Assembly.GetManifestResourceStream("nmt-nfkc.charsmap.gz")!;
        using var gzip = new GZipStream(resource, CompressionMode.Decompress);
        using var memory = new MemoryStream();
        gzip.CopyTo(memory);
        return memory.ToArray();
    }
}
