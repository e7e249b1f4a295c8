import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Assigns units of an experiment to its arms: the same unit is always in the same arm.
 *
 * <p>Written by `promptsearch assign --code java`. As a program it reads a unit a line and prints its arm.
 */
public final class Assign {
    private static final String EXPERIMENT = "@EXPERIMENT@";
    private static final String[] ARMS = {@NAMES@};
    private static final double[] WEIGHTS = {@WEIGHTS@};

    private Assign() {}

    public static String assign(String unit) {
        byte[] digest;
        try {
            byte[] text = (EXPERIMENT + "\n" + unit).getBytes(StandardCharsets.UTF_8);
            digest = MessageDigest.getInstance("SHA-256").digest(text);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
        long first = 0;
        for (int at = 0; at < 7; at++) {
            first = first << 8 | digest[at] & 0xff;
        }
        double place = (first >>> 4) / (double) (1L << 52);
        double total = 0;
        for (double weight : WEIGHTS) {
            total += weight;
        }
        double reached = 0;
        for (int arm = 0; arm < ARMS.length; arm++) {
            reached += WEIGHTS[arm];
            if (place < reached / total) {
                return ARMS[arm];
            }
        }
        return ARMS[ARMS.length - 1];
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (!line.isEmpty()) {
                System.out.println(assign(line));
            }
        }
    }
}
